// SPDX-License-Identifier: Apache-2.0
#include "backend/argument_check.h"
#include "cadenza/backend.h"

namespace cadenza {
namespace {

/// Where slices of one buffer of reserves start: they stay aligned as memory of a backend is.
constexpr std::size_t kAlignment = 64;

/// What forward and backward have in common; T and B come from `y`.
struct Sequence {
  DType real;
  Extent t, b, s, i, h;
};

Sequence check_sequence(const ArgumentCheck& check, const RecurrentSpec& spec, const TensorView& x,
                        const TensorView& y) {
  check.spec(spec);
  const DType real = check.real("y", y);
  check.require("y", y, real, {{"T"}, {"B"}, {"H", spec.hidden}});
  const Sequence sequence{real,
                          {"T", y.shape[0]},
                          {"B", y.shape[1]},
                          {"S", info_of(spec.cell).states},
                          {"I", spec.input},
                          {"H", spec.hidden}};
  if (x.dtype == DType::i32) {
    check.require("x", x, DType::i32, {sequence.t, sequence.b});
  } else {
    check.require("x", x, real, {sequence.t, sequence.b, sequence.i});
  }
  return sequence;
}

void check_lengths(const ArgumentCheck& check, const TensorView& lengths,
                   std::span<const std::int32_t> host_lengths, Extent b) {
  check.allow("lengths", lengths, DType::i32, {b});
  if (host_lengths.empty()) return;
  check.that(!lengths.empty() && host_lengths.size() == static_cast<std::size_t>(b.value),
             "host_lengths has ", host_lengths.size(), " entries, expected those of lengths, ",
             lengths.shape);
}

void check_reserve(const ArgumentCheck& check, const TensorView& reserve, std::size_t bytes) {
  check.require("reserve", reserve, DType::u8,
                {{"recurrent_reserve_bytes", static_cast<std::int64_t>(bytes)}});
  check.that(reinterpret_cast<std::uintptr_t>(reserve.data) % kAlignment == 0,
             "reserve starts at an address that is not a multiple of ", kAlignment);
}

}  // namespace

std::size_t Backend::recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                             std::int64_t batch, DType dtype) const {
  const ArgumentCheck check("recurrent_reserve_bytes", *this);
  check.spec(spec);
  check.that(steps >= 0, "steps is ", steps, ", expected >= 0");
  check.that(batch >= 0, "batch is ", batch, ", expected >= 0");
  check.that((dtype == DType::f32 || dtype == DType::f64) && supports(dtype), "dtype is ",
             name_of(dtype), ", expected a real type of the backend");
  const std::size_t bytes = do_recurrent_reserve_bytes(spec, steps, batch, dtype);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void Backend::recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) {
  const ArgumentCheck check("recurrent_forward", *this);
  const auto [real, t, b, s, i, h] = check_sequence(check, spec, args.x, args.y);
  check_lengths(check, args.lengths, args.host_lengths, b);
  check.allow("initial_state", args.initial_state, real, {s, b, h});
  check.weights("weights.", args.weights, spec, real);
  check.allow("final_state", args.final_state, real, {s, b, h});
  check.same_or_disjoint("final_state", args.final_state, "initial_state", args.initial_state);
  check.disjoint("y", args.y, "x", args.x);
  check.disjoint("y", args.y, "initial_state", args.initial_state);
  check.disjoint("y", args.y, "final_state", args.final_state);
  if (!args.reserve.empty()) {
    check_reserve(check, args.reserve, recurrent_reserve_bytes(spec, t.value, b.value, real));
  }
  if (b.value > 0) do_recurrent_forward(spec, args);
}

void Backend::recurrent_backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args) {
  const ArgumentCheck check("recurrent_backward", *this);
  const auto [real, t, b, s, i, h] = check_sequence(check, spec, args.x, args.y);
  check_lengths(check, args.lengths, args.host_lengths, b);
  check.allow("initial_state", args.initial_state, real, {s, b, h});
  check.weights("weights.", args.weights, spec, real);
  check_reserve(check, args.reserve, recurrent_reserve_bytes(spec, t.value, b.value, real));
  check.require("dy", args.dy, real, {t, b, h});
  check.allow("d_final_state", args.d_final_state, real, {s, b, h});
  if (args.x.dtype == DType::i32) {
    check.absent("dx", args.dx, "ids have no gradient");
  } else {
    check.allow("dx", args.dx, real, {t, b, i});
  }
  check.allow("d_initial_state", args.d_initial_state, real, {s, b, h});
  check.weights("d_weights.", args.d_weights, spec, real);
  check.disjoint("dx", args.dx, "x", args.x);
  check.disjoint("dx", args.dx, "dy", args.dy);
  check.disjoint("dx", args.dx, "y", args.y);
  check.same_or_disjoint("d_initial_state", args.d_initial_state, "d_final_state",
                         args.d_final_state);
  if (b.value > 0) do_recurrent_backward(spec, args);
}

void Backend::recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) {
  const ArgumentCheck check("recurrent_step", *this);
  check.spec(spec);
  const DType real = check.real("state", args.state);
  check.require("state", args.state, real,
                {{"S", info_of(spec.cell).states}, {"B"}, {"H", spec.hidden}});
  const Extent b{"B", args.state.shape[1]};
  if (args.x.dtype == DType::i32) {
    check.require("x", args.x, DType::i32, {b});
  } else {
    check.require("x", args.x, real, {b, {"I", spec.input}});
  }
  check.weights("weights.", args.weights, spec, real);
  check.disjoint("state", args.state, "x", args.x);
  if (b.value > 0) do_recurrent_step(spec, args);
}

}  // namespace cadenza
