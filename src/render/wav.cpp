// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/render.h"
#include "render/process.h"

namespace cadenza {
namespace {

namespace fs = std::filesystem;

// Where distributions put General MIDI sound fonts, in order of preference.
constexpr std::array<const char*, 7> kSoundFonts = {
    "/usr/share/sounds/sf3/default-GM.sf3",    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",    "/usr/share/soundfonts/default.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",    "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3"};

// The first known font, else any in the usual folders, else nothing.
fs::path find_sound_font() {
  std::error_code error;
  for (const char* font : kSoundFonts) {
    if (fs::is_regular_file(font, error)) return font;
  }
  for (const char* folder :
       {"/usr/share/sounds/sf3", "/usr/share/sounds/sf2", "/usr/share/soundfonts"}) {
    std::vector<fs::path> fonts;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
      const fs::path extension = entry.path().extension();
      if (extension == ".sf2" || extension == ".sf3") fonts.push_back(entry.path());
    }
    if (!fonts.empty()) return *std::min_element(fonts.begin(), fonts.end());
  }
  return {};
}

// Removes the file when done with, whatever happened.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// The last line of what the program printed, which is where it complains.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t begin = text.rfind('\n');
  return begin == std::string::npos ? text : text.substr(begin + 1);
}

}  // namespace

bool wav_available(std::string* reason) {
  const bool program = run_program({"fluidsynth", "--version"}, nullptr) == 0;
  const bool font = !find_sound_font().empty();
  if (reason != nullptr && !(program && font)) {
    *reason = program ? "no General MIDI sound font is installed (Debian, Ubuntu: apt install "
                        "timgm6mb-soundfont or fluid-soundfont-gm)"
                      : "the program fluidsynth is not installed (Debian, Ubuntu: apt install "
                        "fluidsynth timgm6mb-soundfont)";
  }
  return program && font;
}

void render_wav(const fs::path& midi, const fs::path& wav) {
  std::string reason;
  if (!wav_available(&reason)) throw Error("cannot render " + wav.string() + ": " + reason);
  if (::access(midi.c_str(), R_OK) != 0) throw FileError("cannot open " + midi.string());
  const fs::path absolute = fs::absolute(wav);
  std::random_device random;
  // The program tells the kind of file by its extension.
  const TemporaryFile temporary(absolute.parent_path() /
                                message(".cadenza-", std::hex, random(), "-", random(), ".wav"));
  std::string output;
  // At its own gain of 0.2 a piano piece peaks at a tenth of full scale and a melody at a
  // thirtieth.
  const int status = run_program(
      {"fluidsynth", "-n", "-i", "-q", "-g", "1", "-r", "44100", "-F", temporary.path().string(),
       find_sound_font().string(), fs::absolute(midi).string()},
      &output);
  // It ends with status 0 even where it could not write.
  constexpr std::uintmax_t kHeaderBytes = 44;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(temporary.path(), error);
  if (status != 0 || error || size <= kHeaderBytes) {
    throw Error(message("cannot render ", wav.string(), ": fluidsynth ended with status ", status,
                        " and said \"", last_line(output), "\""));
  }
  write_file_atomic(wav, read_file(temporary.path()));
}

}  // namespace cadenza
