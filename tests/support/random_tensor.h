// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cadenza/backend.h"
#include "cadenza/tensor.h"

namespace cadenza::test {

/// An array on the host. f64 stands for "the real type of the run"; other types are taken as they
/// are.
struct HostArray {
  Shape shape;
  DType dtype = DType::f64;
  std::vector<double> values;
};

using Arrays = std::map<std::string, HostArray>;

inline HostArray filled(const Shape& shape, double value, DType dtype = DType::f64) {
  return {shape, dtype, std::vector<double>(static_cast<std::size_t>(shape.count()), value)};
}

/// Draws arrays, the same ones for the same seed on every machine.
class RandomArrays {
 public:
  explicit RandomArrays(std::uint64_t seed) : engine_(seed) {}

  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1.0p-53;
  }
  /// Values that a float holds exactly, so that runs in f32 and f64 start from the same numbers.
  HostArray real(const Shape& shape, double low = -1.0, double high = 1.0) {
    HostArray array = filled(shape, 0.0);
    for (double& value : array.values) value = static_cast<float>(uniform(low, high));
    return array;
  }
  /// Integers in [low, high).
  HostArray ids(const Shape& shape, std::int64_t low, std::int64_t high) {
    HostArray array = filled(shape, 0.0, DType::i32);
    for (double& value : array.values) {
      value = static_cast<double>(low) +
              static_cast<double>(engine_() % static_cast<std::uint64_t>(high - low));
    }
    return array;
  }

 private:
  std::mt19937_64 engine_;
};

/// Memory of a backend for the length of one test, with transfers from and to host arrays.
class Device {
 public:
  Device(Backend& backend, DType real) : backend_(backend), real_(real) {}

  DType real() const { return real_; }
  Backend& backend() const { return backend_; }

  TensorView put(const HostArray& array) {
    const TensorView view = allocate(array.shape, array.dtype == DType::f64 ? real_ : array.dtype);
    switch (view.dtype) {
      case DType::f64:
        write<double>(array, view);
        break;
      case DType::f32:
        write<float>(array, view);
        break;
      case DType::i64:
        write<std::int64_t>(array, view);
        break;
      default:
        write<std::int32_t>(array, view);
    }
    return view;
  }
  /// The named array, or an absent view if there is none.
  TensorView put(const Arrays& arrays, const std::string& name) {
    const auto found = arrays.find(name);
    return found == arrays.end() ? TensorView{} : put(found->second);
  }
  /// Real memory full of NaN: for what an operation must overwrite.
  TensorView garbage(const Shape& shape) {
    return put(filled(shape, std::numeric_limits<double>::quiet_NaN()));
  }
  TensorView allocate(const Shape& shape, DType dtype) {
    return owned_.emplace_back(backend_, shape, dtype).view();
  }

  HostArray get(const TensorView& view) const {
    switch (view.dtype) {
      case DType::f64:
        return read<double>(view, DType::f64);
      case DType::f32:
        return read<float>(view, DType::f64);
      case DType::i64:
        return read<std::int64_t>(view, DType::i64);
      default:
        return read<std::int32_t>(view, DType::i32);
    }
  }
  std::vector<std::byte> bytes(const TensorView& view) const {
    std::vector<std::byte> result(view.bytes());
    backend_.download(view, result);
    return result;
  }

 private:
  template <typename T>
  void write(const HostArray& array, const TensorView& to) {
    std::vector<T> values;
    for (const double value : array.values) values.push_back(static_cast<T>(value));
    backend_.upload(std::as_bytes(std::span(values)), to);
  }
  template <typename T>
  HostArray read(const TensorView& from, DType dtype) const {
    std::vector<T> values(static_cast<std::size_t>(from.count()));
    backend_.download(from, std::as_writable_bytes(std::span(values)));
    return {from.shape, dtype, std::vector<double>(values.begin(), values.end())};
  }

  Backend& backend_;
  DType real_;
  std::deque<Tensor> owned_;
};

}  // namespace cadenza::test
