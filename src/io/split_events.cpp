// SPDX-License-Identifier: Apache-2.0
#include "io/split_events.h"

#include <algorithm>

#include "io/printable.h"

namespace cadenza {

void SplitEvents::start_object() {
  if (opened_) unexpected("an object");
  opened_ = true;
}

void SplitEvents::key(const std::string& name) {
  const auto* found = std::find(kSplitNames.begin(), kSplitNames.end(), name);
  if (found == kSplitNames.end()) {
    fail("unknown key " + printable(name) + ", expected 'train', 'valid' or 'test'");
  }
  if (!keys_.insert(name).second) fail("the key " + printable(name) + " occurs twice");
  split_ = static_cast<Split>(found - kSplitNames.begin());
}

void SplitEvents::start_array() {
  if (!split_ || depth_ == 3) unexpected("a list");
  ++depth_;
  if (depth_ == 1) {
    piece_ = 0;
  } else if (depth_ == 2) {
    begin_piece(*split_, piece_++);
    frame_ = 0;
  } else {
    begin_frame();
    ++frame_;
  }
}

void SplitEvents::end_array() {
  if (depth_ == 3) end_frame();
  if (depth_ == 2) end_piece();
  --depth_;
}

void SplitEvents::integer(std::int64_t value) {
  if (depth_ != 3) unexpected("an integer");
  number(value);
}

std::string SplitEvents::where() const {
  if (!split_) return "the document";
  const std::string_view name = kSplitNames[static_cast<std::size_t>(*split_)];
  if (depth_ < 2) return message("the pieces of ", name);
  if (depth_ == 2) return message(name, " piece ", piece_ - 1);
  return message(name, " piece ", piece_ - 1, " frame ", frame_ - 1);
}

}  // namespace cadenza
