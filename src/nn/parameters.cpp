// SPDX-License-Identifier: Apache-2.0
#include "cadenza/parameters.h"

#include "cadenza/backend.h"
#include "cadenza/error.h"
#include "cadenza/random.h"
#include "nn/host_copy.h"

namespace cadenza {
namespace {

constexpr std::int64_t kAlignment = 64;  // bytes

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

Parameters::Parameters(Backend& backend, DType dtype, std::vector<ParameterSpec> specs)
    : backend_(&backend), dtype_(dtype), specs_(std::move(specs)) {
  const auto alignment = kAlignment / static_cast<std::int64_t>(size_of(dtype));
  std::int64_t total = 0;
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    check(index_.emplace(specs_[i].name, i).second, "parameters: '", specs_[i].name,
          "' is declared twice");
    offsets_.push_back(total);
    total += round_up(specs_[i].shape.count(), alignment);
  }
  values_ = Tensor(backend, {total}, dtype);
  gradients_ = Tensor(backend, {total}, dtype);
}

TensorView Parameters::view_in(const Tensor& buffer, std::string_view name) const {
  const auto found = index_.find(name);
  check(found != index_.end(), "parameters: there is no '", name, "'");
  const Shape& shape = specs_[found->second].shape;
  return buffer.view().slice(offsets_[found->second], shape.count()).reshaped(shape);
}

TensorView Parameters::value(std::string_view name) const { return view_in(values_, name); }

TensorView Parameters::gradient(std::string_view name) const { return view_in(gradients_, name); }

std::int64_t Parameters::count() const {
  std::int64_t total = 0;
  for (const ParameterSpec& spec : specs_) total += spec.shape.count();
  return total;
}

void Parameters::initialize(std::uint64_t seed) {
  for (std::size_t p = 0; p < specs_.size(); ++p) {
    std::vector<double> numbers(static_cast<std::size_t>(specs_[p].shape.count()));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const RandomAddress address = {.purpose = RandomPurpose::initialize,
                                     .sequence = p,
                                     .step = static_cast<std::uint32_t>(i >> 26),
                                     .item = static_cast<std::uint32_t>(i & 0x3FFFFFF)};
      numbers[i] = specs_[p].bound * (2.0 * uniform_double(random_bits(seed, address)) - 1.0);
    }
    upload(specs_[p].name, numbers);
  }
}

void Parameters::zero_gradients() { backend_->fill(gradients_, 0.0); }

std::vector<double> Parameters::download(std::string_view name) const {
  return download_real(*backend_, value(name));
}

void Parameters::upload(std::string_view name, const std::vector<double>& values) {
  upload_real(*backend_, values, value(name));
}

}  // namespace cadenza
