// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cadenza/safetensors.h"

namespace cadenza {

/// An array of a .npy file, brought to row-major order and little-endian.
struct NpyArray {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
  std::size_t data_offset = 0;  ///< where the data began in the file

  /// A view of this array, for its conversions.
  FileArray view() const { return {dtype, shape, bytes}; }
};

/// Reads versions 1 to 3 of the format (NumPy enhancement proposal 1): booleans, i1 u1 i2 i4 i8
/// f2 f4 f8 in either byte order and either storage order. FormatError for anything else.
NpyArray parse_npy(std::span<const std::byte> file, const std::string& origin);

}  // namespace cadenza
