// SPDX-License-Identifier: Apache-2.0
#include "cadenza/dtype.h"

namespace cadenza {
namespace {

struct DTypeRow {
  std::size_t size;
  std::string_view name;
};

// Indexed by the enumerator.
constexpr DTypeRow kRows[] = {{8, "f64"}, {4, "f32"}, {2, "f16"}, {2, "bf16"}, {8, "i64"},
                              {4, "i32"}, {2, "i16"}, {1, "i8"},  {1, "u8"},   {1, "bool"}};

}  // namespace

std::size_t size_of(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].size; }

std::string_view name_of(DType dtype) { return kRows[static_cast<std::size_t>(dtype)].name; }

}  // namespace cadenza
