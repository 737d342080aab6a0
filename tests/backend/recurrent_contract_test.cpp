// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backend/bad_call.h"

namespace cadenza {
namespace {

using test::BadCall;
using test::Device;
using test::ints;
using test::real;

/// Valid arguments of every recurrent operation, to be spoilt one by one.
struct Recurrent {
  RecurrentSpec spec{CellKind::lstm, 3, 4};
  RecurrentForwardArgs forward;
  RecurrentBackwardArgs backward;
  RecurrentStepArgs step;

  Recurrent(Backend& b, Device& d) {
    const auto weights = [&] {
      return RecurrentWeights{real(d, {16, 3}), real(d, {16, 4}), real(d, {16}), real(d, {16})};
    };
    const auto bytes = b.recurrent_reserve_bytes(spec, 5, 2, DType::f32);
    forward = {.x = real(d, {5, 2, 3}), .weights = weights(), .y = real(d, {5, 2, 4})};
    forward.reserve = d.allocate({static_cast<std::int64_t>(bytes)}, DType::u8);
    b.recurrent_forward(spec, forward);
    backward = {.x = forward.x,
                .weights = forward.weights,
                .y = forward.y,
                .reserve = forward.reserve,
                .dy = real(d, {5, 2, 4}),
                .d_weights = weights()};
    b.recurrent_backward(spec, backward);
    step = {.x = real(d, {2, 3}), .state = real(d, {2, 2, 4}), .weights = forward.weights};
    b.recurrent_step(spec, step);
  }
};

/// A call of recurrent_forward, _backward or _step with one thing wrong.
std::function<void(Backend&, Device&)> spoilt(
    const std::function<void(Backend&, Device&, Recurrent&)>& spoil_and_call) {
  return [spoil_and_call](Backend& b, Device& d) {
    Recurrent arguments(b, d);
    spoil_and_call(b, d, arguments);
  };
}

const std::vector<BadCall>& recurrent_calls() {
  static const std::vector<BadCall> kCalls = {
      {"recurrent_forward: initial_state has shape [1, 2, 4], expected [S=2, B=2, H=4]",
       spoilt([](Backend& b, Device& d, Recurrent& r) {
         r.forward.initial_state = real(d, {1, 2, 4});
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_forward: spec.hidden is 0, expected > 0",
       spoilt([](Backend& b, Device&, Recurrent& r) {
         r.spec.hidden = 0;
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_forward: x has shape [5, 2, 3], expected [T=5, B=2, I=7]",
       spoilt([](Backend& b, Device&, Recurrent& r) {
         r.spec.input = 7;
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_forward: lengths has shape [5], expected [B=2]",
       spoilt([](Backend& b, Device& d, Recurrent& r) {
         r.forward.lengths = ints(d, {5});
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_forward: weights.w_hh has shape [12, 4], expected [G*H=16, H=4]",
       spoilt([](Backend& b, Device& d, Recurrent& r) {
         r.forward.weights.w_hh = real(d, {12, 4});
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_forward: weights.b_hh is absent, expected [G*H=16]",
       spoilt([](Backend& b, Device&, Recurrent& r) {
         r.forward.weights.b_hh = {};
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_forward: reserve has shape [64], expected [recurrent_reserve_bytes=",
       spoilt([](Backend& b, Device&, Recurrent& r) {
         r.forward.reserve = r.forward.reserve.slice(0, 64);
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_forward: y overlaps final_state", spoilt([](Backend& b, Device&, Recurrent& r) {
         r.forward.final_state = r.forward.y.slice(0, 2);
         b.recurrent_forward(r.spec, r.forward);
       })},
      {"recurrent_backward: reserve is absent", spoilt([](Backend& b, Device&, Recurrent& r) {
         r.backward.reserve = {};
         b.recurrent_backward(r.spec, r.backward);
       })},
      {"recurrent_backward: dx has shape [5, 2, 3], expected absent: ids have no gradient",
       spoilt([](Backend& b, Device& d, Recurrent& r) {
         r.backward.x = ints(d, {5, 2});
         r.backward.dx = real(d, {5, 2, 3});
         b.recurrent_backward(r.spec, r.backward);
       })},
      {"recurrent_backward: d_weights.b_ih has shape [4], expected [G*H=16]",
       spoilt([](Backend& b, Device& d, Recurrent& r) {
         r.backward.d_weights.b_ih = real(d, {4});
         b.recurrent_backward(r.spec, r.backward);
       })},
      {"recurrent_step: x has shape [3, 3], expected [B=2, I=3]",
       spoilt([](Backend& b, Device& d, Recurrent& r) {
         r.step.x = real(d, {3, 3});
         b.recurrent_step(r.spec, r.step);
       })},
      {"recurrent_reserve_bytes: dtype is i32", [](Backend& b, Device&) {
         b.recurrent_reserve_bytes({CellKind::gru, 1, 1}, 1, 1, DType::i32);
       }}};
  return kCalls;
}

using RecurrentContract = test::ContractTest;

TEST_P(RecurrentContract, RefusesBadCalls) { expect_refusals(recurrent_calls()); }

INSTANTIATE_TEST_SUITE_P(Backends, RecurrentContract, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
