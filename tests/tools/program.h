// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cadenza::test {

/// What a finished program left.
struct Finished {
  int exit_code = -1;  ///< -1 if a signal ended it
  int signal = 0;
  std::string out;
  std::string err;
};

struct RunOptions {
  std::map<std::string, std::string> environment;  ///< added to ours
  std::uintmax_t largest_file = 0;                 ///< RLIMIT_FSIZE in bytes; 0: none
};

/// The `cadenza` program of this build, started with `arguments`.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const RunOptions& options = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();
  void send(int signal) const;
  Finished wait();

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
};

/// Starts it and waits.
Finished run(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// A program that ended with `exit_code`, said `text` among other things, and gave no result.
void expect_failure(const Finished& finished, int exit_code, const std::string& text);

/// Folder `folder` with `count` different small MIDI files a0.mid, a1.mid, ...
void write_midi_folder(const std::filesystem::path& folder, int count);

/// The text of a file.
std::string read_text(const std::filesystem::path& path);

}  // namespace cadenza::test
