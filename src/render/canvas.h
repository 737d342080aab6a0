// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cadenza {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;

  friend bool operator==(const Colour&, const Colour&) = default;
};

/// `from` at share 0, `to` at share 1.
Colour mix(Colour from, Colour to, double share);

/// An image to draw on; x to the right, y downwards. Everything is clipped to the image.
class Canvas {
 public:
  Canvas(int width, int height, Colour background);

  int width() const { return width_; }
  int height() const { return height_; }
  Colour at(int x, int y) const { return pixels_[index(x, y)]; }

  void fill(int x, int y, int width, int height, Colour colour);
  /// Text with its top left corner at (x, y), one character 6 * scale wide and 7 * scale high.
  void text(int x, int y, std::string_view text, int scale, Colour colour);
  static int text_width(std::string_view text, int scale);
  static int text_height(int scale);

  /// The image as a PNG file.
  std::vector<std::byte> png() const;

 private:
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
           static_cast<std::size_t>(x);
  }

  int width_;
  int height_;
  std::vector<Colour> pixels_;
};

}  // namespace cadenza
