// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cadenza {

/// Element types. Backends compute in f32 (reference: also f64) and index with i32; the others
/// occur in files and as packed data.
enum class DType : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::size_t size_of(DType dtype);
/// "f32", "i32", ...
std::string_view name_of(DType dtype);

template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<double>() { return DType::f64; }
template <>
constexpr DType dtype_of<float>() { return DType::f32; }
template <>
constexpr DType dtype_of<std::int64_t>() { return DType::i64; }
template <>
constexpr DType dtype_of<std::int32_t>() { return DType::i32; }
template <>
constexpr DType dtype_of<std::uint8_t>() { return DType::u8; }

}  // namespace cadenza
