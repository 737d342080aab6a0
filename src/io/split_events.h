// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "cadenza/dataset.h"
#include "cadenza/error.h"
#include "io/json_events.h"

namespace cadenza {

/// Walks {"train": [piece, ...], "valid": ..., "test": ...} where a piece is a list of frames and
/// a frame a list of integers; knows the place for messages.
class SplitEvents : public JsonEvents {
 public:
  void start_object() final;
  void key(const std::string& name) final;
  void end_object() final { split_.reset(); }
  void start_array() final;
  void end_array() final;
  void integer(std::int64_t value) final;

 protected:
  virtual void begin_piece(Split split, std::size_t index) = 0;
  virtual void end_piece() {}
  virtual void begin_frame() = 0;
  virtual void end_frame() {}
  virtual void number(std::int64_t value) = 0;
  std::string where() const final;

 private:
  bool opened_ = false;
  int depth_ = 0;  // open lists: 1 pieces, 2 frames, 3 numbers
  std::set<std::string> keys_;
  std::optional<Split> split_;
  std::size_t piece_ = 0;  // the next one, so 1-based inside one
  std::size_t frame_ = 0;
};

}  // namespace cadenza
