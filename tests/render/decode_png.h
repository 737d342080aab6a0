// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <png.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "render/canvas.h"

namespace cadenza::test {

/// A decoded picture.
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<Colour> pixels;

  Colour at(int x, int y) const {
    return pixels.at(static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                     static_cast<std::size_t>(x));
  }
};

inline Picture decode_png(const std::filesystem::path& path) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) {
    throw std::runtime_error(image.message);
  }
  image.format = PNG_FORMAT_RGB;
  Picture picture;
  picture.width = static_cast<int>(image.width);
  picture.height = static_cast<int>(image.height);
  picture.pixels.resize(std::size_t{image.width} * image.height);
  if (png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(image.message);
  }
  return picture;
}

}  // namespace cadenza::test
