// SPDX-License-Identifier: Apache-2.0
#include "cadenza/dataset.h"
#include "cadenza/file.h"
#include "io/split_events.h"

namespace cadenza {
namespace {

constexpr std::size_t kVoices = 4;
constexpr std::array<std::string_view, kVoices> kVoiceNames = {"soprano", "alto", "tenor", "bass"};
constexpr int kTicksPerQuarter = 480;
constexpr std::int64_t kTicksPerFrame = kTicksPerQuarter / 4;
constexpr std::int64_t kSilence = -1;

// Builds a score per piece, one track a voice, and hands each to the tokenizer.
class ChoraleEvents : public SplitEvents {
 public:
  ChoraleEvents(std::string name, const Tokenizer& tokenizer)
      : name_(std::move(name)), tokenizer_(tokenizer) {}
  Dataset dataset;
  std::vector<std::string> rejected;

 protected:
  void begin_piece(Split split, std::size_t index) override {
    pieces_ = &dataset[split];
    piece_name_ = message(name_, " ", kSplitNames[static_cast<std::size_t>(split)], " ", index);
    score_ = Score();
    score_.ticks_per_quarter = kTicksPerQuarter;
    score_.tracks.resize(kVoices);
    for (std::size_t i = 0; i < kVoices; ++i) score_.tracks[i].name = kVoiceNames[i];
    tick_ = 0;
  }

  void begin_frame() override { voice_ = 0; }

  // The grid does not tell a repeated note from a held one: equal neighbours are held.
  void number(std::int64_t pitch) override {
    if (pitch < kSilence || pitch > 127) {
      fail(message("pitch ", pitch, " of ", where(), " is outside -1..127"));
    }
    if (voice_ == kVoices) fail(message("more than ", kVoices, " voices in ", where()));
    std::vector<Note>& notes = score_.tracks[voice_++].notes;
    if (pitch == kSilence) return;
    if (!notes.empty() && notes.back().end == tick_ && notes.back().pitch == pitch) {
      notes.back().end += kTicksPerFrame;
    } else {
      notes.push_back({tick_, tick_ + kTicksPerFrame, static_cast<std::uint8_t>(pitch)});
    }
  }

  void end_frame() override {
    if (voice_ != kVoices) {
      fail(message(voice_, " voices in ", where(), ", expected ", kVoices));
    }
    tick_ += kTicksPerFrame;
  }

  void end_piece() override {
    std::string reason;
    std::vector<Sequence> sequences = tokenizer_.encode(score_, &reason);
    if (sequences.empty()) rejected.push_back(message(piece_name_, ": ", reason));
    for (Sequence& sequence : sequences) {
      pieces_->push_back({piece_name_, std::move(sequence)});
    }
  }

 private:
  std::string name_;
  const Tokenizer& tokenizer_;
  std::vector<Piece>* pieces_ = nullptr;
  std::string piece_name_;
  Score score_;
  std::int64_t tick_ = 0;
  std::size_t voice_ = 0;
};

}  // namespace

Dataset load_chorale_json(const std::filesystem::path& path, const Tokenizer& tokenizer,
                          std::vector<std::string>* rejected) {
  ChoraleEvents events(path.filename().string(), tokenizer);
  events.dataset.tokenizer_name = tokenizer.name();
  events.dataset.tokenizer_settings = tokenizer.settings();
  events.dataset.step_kind = tokenizer.step_kind();
  events.dataset.vocabulary = tokenizer.vocabulary_size();
  events.parse(read_file(path), path.string());
  if (rejected != nullptr) *rejected = std::move(events.rejected);
  return std::move(events.dataset);
}

}  // namespace cadenza
