// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "cadenza/error.h"
#include "cadenza/safetensors.h"
#include "io/byte_order.h"

namespace cadenza {
namespace {

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Every value is a float.
struct Half {
  std::uint16_t bits;
  explicit operator float() const {
    const int exponent = bits >> 10 & 0x1f;
    const int fraction = bits & 0x3ff;
    float magnitude = 0.0F;
    if (exponent == 0x1f) {
      magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                                : std::numeric_limits<float>::quiet_NaN();
    } else if (exponent == 0) {
      magnitude = std::ldexp(static_cast<float>(fraction), -24);
    } else {
      magnitude = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};

// The upper half of a float.
struct BrainFloat {
  std::uint16_t bits;
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};

template <typename Source, typename T>
std::vector<T> convert(const FileArray& array) {
  std::vector<T> values(array.bytes.size() / sizeof(Source));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = load_little<Source>(array.bytes, i * sizeof(Source));
    if constexpr (std::is_integral_v<T>) {
      check(std::in_range<T>(value), "as: element ", i, " is ", +value, ", which does not fit ",
            name_of(dtype_of<T>()));
    }
    values[i] = static_cast<T>(value);
  }
  return values;
}

}  // namespace

std::int64_t FileArray::count() const {
  return static_cast<std::int64_t>(bytes.size() / size_of(dtype));
}

template <typename T>
std::vector<T> FileArray::as() const {
  if constexpr (std::is_floating_point_v<T>) {
    switch (dtype) {
      case DType::f64:
        return convert<double, T>(*this);
      case DType::f32:
        return convert<float, T>(*this);
      case DType::f16:
        return convert<Half, T>(*this);
      case DType::bf16:
        return convert<BrainFloat, T>(*this);
      default:
        break;
    }
  } else {
    switch (dtype) {
      case DType::i64:
        return convert<std::int64_t, T>(*this);
      case DType::i32:
        return convert<std::int32_t, T>(*this);
      case DType::i16:
        return convert<std::int16_t, T>(*this);
      case DType::i8:
        return convert<std::int8_t, T>(*this);
      case DType::u8:
      case DType::boolean:
        return convert<std::uint8_t, T>(*this);
      default:
        break;
    }
  }
  throw ArgumentError(
      message("as: the array holds ", name_of(dtype), ", asked for ", name_of(dtype_of<T>())));
}

template std::vector<double> FileArray::as<double>() const;
template std::vector<float> FileArray::as<float>() const;
template std::vector<std::int64_t> FileArray::as<std::int64_t>() const;
template std::vector<std::int32_t> FileArray::as<std::int32_t>() const;
template std::vector<std::uint8_t> FileArray::as<std::uint8_t>() const;

}  // namespace cadenza
