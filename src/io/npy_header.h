// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cadenza {

/// The Python dictionary in front of the data: {'descr': '<f4', 'fortran_order': False, 'shape':
/// (2, 3), }.
struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// FormatError with the byte in the file, the text beginning at `first_offset`.
NpyHeader parse_npy_header(std::string_view text, const std::string& origin,
                           std::size_t first_offset);

}  // namespace cadenza
