// SPDX-License-Identifier: Apache-2.0
#include "backend/argument_check.h"

#include <functional>
#include <sstream>
#include <string>

namespace cadenza {
namespace {

bool matches(const Shape& shape, std::initializer_list<Extent> extents) {
  if (shape.rank() != static_cast<int>(extents.size())) return false;
  int i = 0;
  for (const Extent& extent : extents) {
    const std::int64_t actual = shape[i++];
    if (extent.value != Extent::kAny && extent.value != actual) return false;
  }
  return true;
}

std::string to_string(std::initializer_list<Extent> extents) {
  std::ostringstream text;
  const char* separator = "[";
  for (const Extent& extent : extents) {
    text << separator << extent.letter;
    if (extent.value != Extent::kAny) text << '=' << extent.value;
    separator = ", ";
  }
  text << ']';
  return text.str();
}

bool overlap(const TensorView& a, const TensorView& b) {
  const auto* a_begin = static_cast<const std::byte*>(a.data);
  const auto* b_begin = static_cast<const std::byte*>(b.data);
  const std::less<> before;
  return before(a_begin, b_begin + b.bytes()) && before(b_begin, a_begin + a.bytes());
}

}  // namespace

void ArgumentCheck::memory(std::string_view name, const TensorView& view, DType dtype) const {
  that(view.dtype == dtype, name, " has dtype ", name_of(view.dtype), ", expected ",
       name_of(dtype));
  that(view.data != nullptr || view.count() == 0, name, " has shape ", view.shape,
       " but no memory");
}

void ArgumentCheck::require(std::string_view name, const TensorView& view, DType dtype,
                            std::initializer_list<Extent> extents) const {
  if (!matches(view.shape, extents)) {
    that(!view.empty(), name, " is absent, expected ", to_string(extents));
    that(false, name, " has shape ", view.shape, ", expected ", to_string(extents));
  }
  memory(name, view, dtype);
}

void ArgumentCheck::require(std::string_view name, const TensorView& view, DType dtype,
                            const Shape& shape) const {
  that(!view.empty(), name, " is absent, expected ", shape);
  that(view.shape == shape, name, " has shape ", view.shape, ", expected ", shape);
  memory(name, view, dtype);
}

void ArgumentCheck::allow(std::string_view name, const TensorView& view, DType dtype,
                          std::initializer_list<Extent> extents) const {
  if (!view.empty()) require(name, view, dtype, extents);
}

void ArgumentCheck::absent(std::string_view name, const TensorView& view,
                           std::string_view reason) const {
  that(view.empty(), name, " has shape ", view.shape, ", expected absent: ", reason);
}

DType ArgumentCheck::real(std::string_view name, const TensorView& view) const {
  that(!view.empty(), name, " is absent");
  const bool is_real = view.dtype == DType::f32 || view.dtype == DType::f64;
  that(is_real && backend_.supports(view.dtype), name, " has dtype ", name_of(view.dtype),
       ", expected ", backend_.supports(DType::f64) ? "f32 or f64" : "f32");
  memory(name, view, view.dtype);
  return view.dtype;
}

void ArgumentCheck::disjoint(std::string_view name, const TensorView& view,
                             std::string_view other_name, const TensorView& other) const {
  that(!overlap(view, other), name, " overlaps ", other_name, ", expected separate memory");
}

void ArgumentCheck::same_or_disjoint(std::string_view name, const TensorView& view,
                                     std::string_view other_name, const TensorView& other) const {
  that(view.data == other.data || !overlap(view, other), name, " overlaps part of ", other_name,
       ", expected the same or separate memory");
}

void ArgumentCheck::spec(const RecurrentSpec& spec) const {
  that(static_cast<std::size_t>(spec.cell) < cells().size(), "spec.cell is ",
       static_cast<int>(spec.cell), ", expected a CellKind");
  that(spec.input > 0, "spec.input is ", spec.input, ", expected > 0");
  that(spec.hidden > 0, "spec.hidden is ", spec.hidden, ", expected > 0");
}

void ArgumentCheck::weights(std::string_view prefix, const RecurrentWeights& weights,
                            const RecurrentSpec& spec, DType dtype) const {
  const Extent rows{"G*H", info_of(spec.cell).gates * spec.hidden};
  const std::string start(prefix);
  require(start + "w_ih", weights.w_ih, dtype, {rows, {"I", spec.input}});
  require(start + "w_hh", weights.w_hh, dtype, {rows, {"H", spec.hidden}});
  require(start + "b_ih", weights.b_ih, dtype, {rows});
  require(start + "b_hh", weights.b_hh, dtype, {rows});
}

void ArgumentCheck::rows(const DrawRows& rows, std::int64_t batch) const {
  require("rows.params", rows.params, DType::u8,
          {{"B", batch}, {"sizeof(RowSampling)", sizeof(RowSampling)}});
  require("rows.sequences", rows.sequences, DType::i64, {{"B", batch}});
  require("rows.steps", rows.steps, DType::i32, {{"B", batch}});
}

}  // namespace cadenza
