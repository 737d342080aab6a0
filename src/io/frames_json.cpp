// SPDX-License-Identifier: Apache-2.0
#include "io/frames_json.h"

#include "cadenza/file.h"
#include "io/split_events.h"

namespace cadenza {
namespace {

class FrameEvents : public SplitEvents {
 public:
  explicit FrameEvents(std::string name) : name_(std::move(name)) {}
  Dataset dataset;

 protected:
  void begin_piece(Split split, std::size_t index) override {
    pieces_ = &dataset[split];
    const std::string_view split_name = kSplitNames[static_cast<std::size_t>(split)];
    pieces_->push_back({message(name_, " ", split_name, " ", index), {}});
  }
  void begin_frame() override { pieces_->back().sequence.frames.emplace_back(); }
  void number(std::int64_t pitch) override {
    const std::int64_t key = pitch - kLowestKey;
    if (pitch < kLowestKey || key >= static_cast<std::int64_t>(Frame().size())) {
      fail(message("pitch ", pitch, " of ", where(), " is outside ", kLowestKey, "..108",
                   pitch == -1 ? " (four voices with -1 for silence are a chorale file)" : ""));
    }
    pieces_->back().sequence.frames.back().set(static_cast<std::size_t>(key));
  }

 private:
  std::string name_;
  std::vector<Piece>* pieces_ = nullptr;
};

}  // namespace

Dataset parse_frames_json(std::span<const std::byte> text, const std::string& origin) {
  FrameEvents events(std::filesystem::path(origin).filename().string());
  events.dataset.tokenizer_name = "pianoroll";
  events.dataset.step_kind = StepKind::frame;
  events.dataset.vocabulary = static_cast<int>(Frame().size());
  events.parse(text, origin);
  return std::move(events.dataset);
}

Dataset load_frames_json(const std::filesystem::path& path) {
  return parse_frames_json(read_file(path), path.string());
}

}  // namespace cadenza
