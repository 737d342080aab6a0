// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/tensor.h"

namespace cadenza {

/// Name, shape and initial distribution of one parameter.
struct ParameterSpec {
  std::string name;
  Shape shape;
  double bound = 0.0;  ///< initial values are uniform in (-bound, bound)
};

/// The named parameters of a model: views into one flat buffer of values and one of gradients, so
/// that an update, a norm or a file write is one pass. Each starts on a 64-byte boundary; the gaps
/// hold zeros and stay zero.
class Parameters {
 public:
  /// Zero-valued until initialize(). ArgumentError for a name used twice.
  Parameters(Backend& backend, DType dtype, std::vector<ParameterSpec> specs);

  const std::vector<ParameterSpec>& specs() const { return specs_; }
  /// ArgumentError names an unknown parameter.
  TensorView value(std::string_view name) const;
  TensorView gradient(std::string_view name) const;
  /// All values and all gradients, [P].
  TensorView values() const { return values_; }
  TensorView gradients() const { return gradients_; }
  /// Trainable numbers, without the gaps.
  std::int64_t count() const;
  DType dtype() const { return dtype_; }
  Backend& backend() const { return *backend_; }

  /// Draws every parameter from its distribution; a value depends on (seed, name order, index)
  /// only, so every backend starts alike.
  void initialize(std::uint64_t seed);
  void zero_gradients();
  /// Host copies in the parameter's order, converted from or to the dtype.
  std::vector<double> download(std::string_view name) const;
  void upload(std::string_view name, const std::vector<double>& values);

 private:
  TensorView view_in(const Tensor& buffer, std::string_view name) const;

  Backend* backend_;
  DType dtype_;
  std::vector<ParameterSpec> specs_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::vector<std::int64_t> offsets_;
  Tensor values_;
  Tensor gradients_;
};

}  // namespace cadenza
