// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "cadenza/dtype.h"

namespace cadenza {

/// A dtype as safetensors spells it.
struct FileDType {
  DType dtype;
  std::string_view name;
};

inline constexpr std::array<FileDType, 10> kFileDTypes = {{{DType::f64, "F64"},
                                                           {DType::f32, "F32"},
                                                           {DType::f16, "F16"},
                                                           {DType::bf16, "BF16"},
                                                           {DType::i64, "I64"},
                                                           {DType::i32, "I32"},
                                                           {DType::i16, "I16"},
                                                           {DType::i8, "I8"},
                                                           {DType::u8, "U8"},
                                                           {DType::boolean, "BOOL"}}};

}  // namespace cadenza
