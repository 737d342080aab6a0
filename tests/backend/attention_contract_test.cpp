// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "backend/bad_call.h"

namespace cadenza {
namespace {

using test::BadCall;
using test::Device;
using test::ints;
using test::real;

/// Valid arguments of additive attention, to be spoilt one by one.
AttentionBackwardArgs valid(Device& d) {
  return {.forward = {.kind = AttentionKind::additive,
                      .queries = real(d, {4, 2, 3}),
                      .keys = real(d, {5, 2, 3}),
                      .values = real(d, {5, 2, 6}),
                      .lengths = ints(d, {2}),
                      .v = real(d, {3}),
                      .context = real(d, {4, 2, 6}),
                      .weights = real(d, {4, 2, 5})},
          .d_context = real(d, {4, 2, 6}),
          .d_queries = real(d, {4, 2, 3}),
          .d_keys = real(d, {5, 2, 3}),
          .d_values = real(d, {5, 2, 6}),
          .d_v = real(d, {3})};
}

BadCall forward(const char* error, const std::function<void(Device&, AttentionArgs& args)>& spoil) {
  return {error, [spoil](Backend& b, Device& d) {
            AttentionArgs args = valid(d).forward;
            spoil(d, args);
            b.attention(args);
          }};
}

BadCall backward(const char* error,
                 const std::function<void(Device&, AttentionBackwardArgs& args)>& spoil) {
  return {error, [spoil](Backend& b, Device& d) {
            AttentionBackwardArgs args = valid(d);
            spoil(d, args);
            b.attention_backward(args);
          }};
}

const std::vector<BadCall>& attention_calls() {
  static const std::vector<BadCall> kCalls = {
      forward("attention: queries is absent", [](Device&, auto& args) { args.queries = {}; }),
      forward("attention: keys has shape [5, 2, 4], expected [S, B=2, A=3]",
              [](Device& d, auto& args) {
                args.keys = real(d, {5, 2, 4});
              }),
      forward("attention: values has shape [4, 2, 6], expected [S=5, B=2, E]",
              [](Device& d, auto& args) {
                args.values = real(d, {4, 2, 6});
              }),
      forward("attention: lengths has dtype f32, expected i32",
              [](Device& d, auto& args) { args.lengths = real(d, {2}); }),
      forward("attention: v is absent, expected [A=3]", [](Device&, auto& args) { args.v = {}; }),
      forward("attention: v has shape [3], expected absent: only additive attention has it",
              [](Device&, auto& args) { args.kind = AttentionKind::dot; }),
      forward("attention: scale is nan, expected a finite number",
              [](Device&, auto& args) {
                args.kind = AttentionKind::dot;
                args.v = {};
                args.scale = std::nan("");
              }),
      forward("attention: context has shape [2, 4, 6], expected [T=4, B=2, E=6]",
              [](Device& d, auto& args) {
                args.context = real(d, {2, 4, 6});
              }),
      forward("attention: weights has shape [4, 2, 6], expected [T=4, B=2, S=5]",
              [](Device& d, auto& args) {
                args.weights = real(d, {4, 2, 6});
              }),
      forward("attention: context overlaps values",
              [](Device&, auto& args) { args.context = args.values.slice(0, 4); }),
      backward("attention_backward: d_queries has shape [4, 2, 6], expected [T=4, B=2, A=3]",
               [](Device& d, auto& args) {
                 args.d_queries = real(d, {4, 2, 6});
               }),
      backward("attention_backward: d_v is absent, expected [A=3]",
               [](Device&, auto& args) { args.d_v = {}; }),
      backward("attention_backward: d_values overlaps d_keys",
               [](Device& d, auto& args) {
                 args.forward.values = args.forward.keys;
                 args.forward.context = real(d, {4, 2, 3});
                 args.d_context = real(d, {4, 2, 3});
                 args.d_values = args.d_keys;
               }),
  };
  return kCalls;
}

using AttentionContract = test::ContractTest;

TEST_P(AttentionContract, RefusesBadCalls) { expect_refusals(attention_calls()); }

TEST_P(AttentionContract, AcceptsArraysWithoutElements) {
  Device device(backend(), DType::f32);
  AttentionBackwardArgs args = valid(device);
  args.forward.queries = real(device, {0, 2, 3});
  args.forward.context = real(device, {0, 2, 6});
  args.forward.weights = real(device, {0, 2, 5});
  args.d_context = real(device, {0, 2, 6});
  args.d_queries = real(device, {0, 2, 3});
  backend().attention(args.forward);
  backend().attention_backward(args);
  EXPECT_EQ(device.get(args.d_keys).values, std::vector<double>(30, 0.0));
  EXPECT_EQ(device.get(args.d_values).values, std::vector<double>(60, 0.0));
}

INSTANTIATE_TEST_SUITE_P(Backends, AttentionContract, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

TEST(ReferenceAttention, RefusesLengthsBeyondTheMemory) {
  const auto backend = make_backend("reference");
  Device device(*backend, DType::f32);
  AttentionArgs args = valid(device).forward;
  args.lengths = device.put({{2}, DType::i32, {1, 6}});
  test::expect_error<ArgumentError>([&] { backend->attention(args); },
                                    "attention: length 6 of row 1, expected in [0, S=5]");
}

}  // namespace
}  // namespace cadenza
