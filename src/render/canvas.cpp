// SPDX-License-Identifier: Apache-2.0
#include "render/canvas.h"

#include <png.h>

#include <algorithm>
#include <cmath>

#include "cadenza/error.h"
#include "render/font.h"

namespace cadenza {
namespace {

std::uint8_t mix_channel(std::uint8_t from, std::uint8_t to, double share) {
  return static_cast<std::uint8_t>(std::lround(from + (to - from) * share));
}

}  // namespace

static_assert(sizeof(Colour) == 3, "pixels are handed to libpng as packed RGB");

Colour mix(Colour from, Colour to, double share) {
  return {mix_channel(from.red, to.red, share), mix_channel(from.green, to.green, share),
          mix_channel(from.blue, to.blue, share)};
}

Canvas::Canvas(int width, int height, Colour background)
    : width_(width),
      height_(height),
      pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), background) {}

void Canvas::fill(int x, int y, int width, int height, Colour colour) {
  const int left = std::clamp(x, 0, width_);
  const int right = std::clamp(x + width, left, width_);
  const int top = std::clamp(y, 0, height_);
  const int bottom = std::clamp(y + height, top, height_);
  for (int row = top; row < bottom; ++row) {
    const auto begin = pixels_.begin() + static_cast<std::ptrdiff_t>(index(0, row));
    std::fill(begin + left, begin + right, colour);
  }
}

void Canvas::text(int x, int y, std::string_view text, int scale, Colour colour) {
  for (const char character : text) {
    const Glyph& glyph = glyph_of(character);
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int column = 0; column < kGlyphWidth; ++column) {
        const bool set =
            (glyph[static_cast<std::size_t>(row)] >> (kGlyphWidth - 1 - column) & 1) != 0;
        if (set) fill(x + column * scale, y + row * scale, scale, scale, colour);
      }
    }
    x += (kGlyphWidth + 1) * scale;
  }
}

int Canvas::text_width(std::string_view text, int scale) {
  return static_cast<int>(text.size()) * (kGlyphWidth + 1) * scale;
}

int Canvas::text_height(int scale) { return kGlyphHeight * scale; }

std::vector<std::byte> Canvas::png() const {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width_);
  image.height = static_cast<png_uint_32>(height_);
  image.format = PNG_FORMAT_RGB;
  std::vector<std::byte> bytes(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels_.data(), 0, nullptr) == 0) {
    throw Error(message("cannot encode the picture: ", image.message));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace cadenza
