// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/score.h"
#include "render/canvas.h"

namespace cadenza {

/// Where things are in the picture of a score, in pixels.
class RollLayout {
 public:
  explicit RollLayout(const Score& score);

  int width() const { return left() + plot_width_ + kRight; }
  int height() const { return top() + plot_height() + kBottom; }
  int left() const { return kLeft; }
  int top() const { return kTop; }
  int plot_width() const { return plot_width_; }
  int plot_height() const { return (highest_ - lowest_ + 1) * row_height_; }
  int row_height() const { return row_height_; }
  int lowest() const { return lowest_; }
  int highest() const { return highest_; }
  double seconds() const { return seconds_; }
  /// The column at this time.
  int x(double seconds) const;
  /// The top of a pitch's row.
  int y(int pitch) const { return top() + (highest_ - pitch) * row_height_; }

 private:
  static constexpr int kLeft = 76;
  static constexpr int kRight = 20;
  static constexpr int kTop = 64;
  static constexpr int kBottom = 40;

  int lowest_ = 0;
  int highest_ = 0;
  int row_height_ = 0;
  int plot_width_ = 0;
  double seconds_ = 0.0;
};

/// Colour of a note of the n-th track.
Colour note_colour(std::size_t track, int velocity);

Canvas draw_piano_roll(const Score& score);

}  // namespace cadenza
