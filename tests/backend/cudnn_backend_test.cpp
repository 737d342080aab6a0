// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "emulation/cudnn/stand_in.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

// What the suites of the contract cannot show of the cudnn backend.

namespace cadenza {
namespace {

using cudnn_stand_in::take_complaints;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CudnnBackendTest : public testing::Test {
 protected:
  void SetUp() override { take_complaints(); }
  void TearDown() override { EXPECT_THAT(take_complaints(), IsEmpty()); }
};

TEST_F(CudnnBackendTest, NeedsANewEnoughCudnnForBf16) {
  const cudnn_stand_in::Version old(91200);
  CudnnBackend({.precision = Precision::fp16});
  test::expect_error<DeviceError>([] { CudnnBackend({.precision = Precision::bf16}); },
                                  "backend 'cudnn' needs cuDNN 9.13.0 for bf16, found 9.12.0");
}

/// A layer of 6 units over 3 inputs, with arrays to go forward and back.
struct Layer {
  static constexpr std::int64_t kSteps = 4, kBatch = 2;

  test::Device device;
  RecurrentSpec spec = {CellKind::gru, 3, 6};
  RecurrentForwardArgs forward;
  RecurrentBackwardArgs backward;

  Layer(Backend& backend, double gradient) : device(backend, DType::f32) {
    test::RandomArrays random(11);
    const auto weights = [&](double range) {
      return RecurrentWeights{device.put(random.real({18, 3}, -range, range)),
                              device.put(random.real({18, 6}, -range, range)),
                              device.put(random.real({18}, -range, range)),
                              device.put(random.real({18}, -range, range))};
    };
    const Shape y = {kSteps, kBatch, 6};
    const auto bytes = backend.recurrent_reserve_bytes(spec, kSteps, kBatch, DType::f32);
    forward = {.x = device.put(random.real({kSteps, kBatch, 3})),
               .weights = weights(0.5),
               .y = device.garbage(y),
               .reserve = device.allocate({static_cast<std::int64_t>(bytes)}, DType::u8)};
    backward = {.x = forward.x,
                .weights = forward.weights,
                .y = forward.y,
                .reserve = forward.reserve,
                .dy = device.put(random.real(y, -gradient, gradient)),
                .dx = device.garbage(forward.x.shape),
                .d_weights = weights(0.0)};
  }

  void run() {
    device.backend().recurrent_forward(spec, forward);
    device.backend().recurrent_backward(spec, backward);
  }
};

TEST_F(CudnnBackendTest, NamesThePassAndTheShapeThatFail) {
  CudnnBackend backend({});
  Layer layer(backend, 1.0);
  layer.run();
  const auto expect_refusal = [](const auto& pass, const char* words) {
    const cudnn_stand_in::Refusal standard(CUDNN_RNN_ALGO_STANDARD);
    const cudnn_stand_in::Refusal persistent(CUDNN_RNN_ALGO_PERSIST_STATIC);
    const cudnn_stand_in::Refusal small(CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H);
    test::expect_error<DeviceError>(pass, words);
  };
  expect_refusal([&] { backend.recurrent_backward(layer.spec, layer.backward); },
                 "cudnnRNNBackwardData_v8: CUDNN_STATUS_NOT_SUPPORTED: refused on request "
                 "(gru I=3 H=6 T=4 B=2 fp32)");
  expect_refusal([&] { backend.recurrent_forward(layer.spec, layer.forward); },
                 "cudnnRNNForward: CUDNN_STATUS_NOT_SUPPORTED: refused on request "
                 "(gru I=3 H=6 T=4 B=2 fp32)");
}

TEST_F(CudnnBackendTest, MakesPlansInsideSubmit) {
  CudnnBackend backend({});
  Layer recorded(backend, 1.0);
  Layer direct(backend, 1.0);
  direct.run();
  CudnnBackend fresh({});
  Layer first(fresh, 1.0);
  // A shape that has no plan yet, as the first thing that is recorded.
  first.forward.reserve = {};
  fresh.submit([&] { fresh.recurrent_forward(first.spec, first.forward); });
  backend.submit([&] { recorded.run(); });
  EXPECT_EQ(direct.device.get(direct.backward.dx).values,
            recorded.device.get(recorded.backward.dx).values);
  EXPECT_EQ(direct.device.get(direct.forward.y).values, first.device.get(first.forward.y).values);
}

TEST_F(CudnnBackendTest, WantsLengthsOnTheHostInsideSubmit) {
  CudnnBackend backend({});
  Layer layer(backend, 1.0);
  const std::vector<std::int32_t> lengths = {4, 2};
  layer.forward.lengths = layer.device.allocate({2}, DType::i32);
  backend.upload(std::as_bytes(std::span(lengths)), layer.forward.lengths);
  const auto run = [&] { backend.recurrent_forward(layer.spec, layer.forward); };
  test::expect_error<ArgumentError>([&] { backend.submit(run); },
                                    "recurrent_forward: backend 'cudnn' got lengths on the device "
                                    "alone, expected host_lengths");
  layer.forward.host_lengths = lengths;
  backend.submit(run);
  const std::vector<double> on_host = layer.device.get(layer.forward.y).values;
  layer.forward.host_lengths = {};
  run();
  EXPECT_EQ(on_host, layer.device.get(layer.forward.y).values);
}

TEST_F(CudnnBackendTest, ReadsNothingBeyondTheLengths) {
  CudnnBackend backend({});
  Layer clean(backend, 1.0);
  Layer spoilt(backend, 1.0);
  const std::vector<std::int32_t> lengths = {2, 0};
  for (Layer* layer : {&clean, &spoilt}) {
    layer->forward.lengths = layer->device.allocate({2}, DType::i32);
    backend.upload(std::as_bytes(std::span(lengths)), layer->forward.lengths);
    layer->forward.host_lengths = lengths;
    layer->backward.lengths = layer->forward.lengths;
    layer->backward.host_lengths = lengths;
  }
  // [T, B, ...]: all steps of row 1, and row 0 from step 2.
  const auto spoil = [&](const TensorView& view) {
    backend.fill(view.at(0).at(1), std::nan(""));
    backend.fill(view.at(1).at(1), std::nan(""));
    backend.fill(view.slice(2, 2), std::nan(""));
  };
  spoil(spoilt.forward.x);
  spoil(spoilt.backward.dy);
  clean.run();
  spoilt.run();
  EXPECT_EQ(clean.device.get(clean.forward.y).values, spoilt.device.get(spoilt.forward.y).values);
  EXPECT_EQ(clean.device.get(clean.backward.dx).values,
            spoilt.device.get(spoilt.backward.dx).values);
  EXPECT_EQ(clean.device.get(clean.backward.d_weights.w_ih).values,
            spoilt.device.get(spoilt.backward.d_weights.w_ih).values);
}

TEST_F(CudnnBackendTest, KeepsPersistentKernelsWhereAllLengthsAreFull) {
  CudnnBackend backend({});
  Layer layer(backend, 1.0);
  const std::vector<std::int32_t> lengths = {4, 4};
  layer.forward.lengths = layer.device.allocate({2}, DType::i32);
  backend.upload(std::as_bytes(std::span(lengths)), layer.forward.lengths);
  backend.recurrent_forward(layer.spec, layer.forward);
  // The plan for equal lengths; which of its algorithms is taken is a matter of time.
  EXPECT_THAT(backend.decisions(), ElementsAre(HasSubstr("; PERSIST_STATIC refused: ")));
}

TEST_F(CudnnBackendTest, WorksOnUnalignedViews) {
  CudnnBackend backend({});
  Layer aligned(backend, 1.0);
  Layer shifted(backend, 1.0);
  // One element further, so that no vector access would be aligned.
  const auto shift = [&](TensorView& view) {
    const TensorView wide = shifted.device.allocate({view.count() + 1}, DType::f32);
    const TensorView moved = wide.slice(1, view.count()).reshaped(view.shape);
    backend.copy(view, moved);
    view = moved;
  };
  shift(shifted.forward.x);
  shift(shifted.forward.y);
  shift(shifted.backward.dx);
  shifted.backward.x = shifted.forward.x;
  shifted.backward.y = shifted.forward.y;
  // As far as the contract lets a reserve be.
  constexpr std::int64_t kBytes = 64;
  const std::int64_t bytes = shifted.forward.reserve.count();
  shifted.forward.reserve =
      shifted.device.allocate({bytes + kBytes}, DType::u8).slice(kBytes, bytes);
  shifted.backward.reserve = shifted.forward.reserve;
  aligned.run();
  shifted.run();
  EXPECT_EQ(aligned.device.get(aligned.forward.y).values,
            shifted.device.get(shifted.forward.y).values);
  EXPECT_EQ(aligned.device.get(aligned.backward.dx).values,
            shifted.device.get(shifted.backward.dx).values);
}

TEST_F(CudnnBackendTest, KeepsSmallGradientsInFp16) {
  CudnnBackend backend({.precision = Precision::fp16});
  // Half precision ends at 6e-8.
  constexpr double kSmall = 0x1p-30;
  Layer large(backend, 1.0);
  Layer small(backend, kSmall);
  large.run();
  small.run();
  const auto expect_scaled = [&](const TensorView& of_large, const TensorView& of_small) {
    const std::vector<double> expected = large.device.get(of_large).values;
    const std::vector<double> got = small.device.get(of_small).values;
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(expected[i] * kSmall, got[i]) << i;
  };
  expect_scaled(large.backward.dx, small.backward.dx);
  expect_scaled(large.backward.d_weights.w_ih, small.backward.d_weights.w_ih);
  expect_scaled(large.backward.d_weights.b_hh, small.backward.d_weights.b_hh);
}

}  // namespace
}  // namespace cadenza
