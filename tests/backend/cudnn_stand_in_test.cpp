// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/cuda/cudnn_plan.h"
#include "emulation/cudnn/stand_in.h"
#include "kernels/device_array.h"
#include "support/expect_error.h"

// That the stand-in of cuDNN notices misuse, and what plans make of its refusals.

namespace cadenza {
namespace {

using cuda::CudnnPlan;
using cuda::CudnnPlanner;
using cuda::RnnPass;
using cuda::RnnShape;
using cudnn_stand_in::Refusal;
using cudnn_stand_in::take_complaints;
using test::DeviceArray;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr RnnShape kShape = {
    .cell = CellKind::lstm, .input = 3, .hidden = 6, .steps = 4, .batch = 2};

using Bytes = DeviceArray<std::uint8_t>;

Bytes zeros(std::size_t bytes) { return Bytes(std::vector<std::uint8_t>(bytes, 0)); }

/// Memory of a pass over zeros and what is done to it.
class Pass {
 public:
  explicit Pass(const RnnShape& shape)
      : stream_(cuda::make_stream()),
        handle_(cuda::make_cudnn_handle(stream_.get())),
        rnn_(handle_.get(), shape, CUDNN_RNN_ALGO_STANDARD),
        x_(zeros(index(shape.steps * shape.batch * shape.input))),
        y_(zeros(index(shape.steps * shape.batch * shape.output()))),
        state_(zeros(index(shape.state_count()))),
        weights_(zeros(rnn_.weight_bytes())),
        d_weights_(zeros(rnn_.weight_bytes())),
        workspace_(zeros(rnn_.workspace_bytes())),
        reserve_(zeros(rnn_.reserve_bytes())) {
    take_complaints();
  }

  void forward() {
    rnn_.forward(handle_.get(), {.x = x_.data(),
                                 .y = y_.data(),
                                 .h_before = state_.data(),
                                 .c_before = state_.data(),
                                 .h_after = state_.data(),
                                 .c_after = state_.data(),
                                 .weights = weights_.data(),
                                 .workspace = workspace_.data(),
                                 .reserve = reserve_.data()});
  }
  void backward() {
    rnn_.backward(handle_.get(), {.x = x_.data(),
                                  .y = y_.data(),
                                  .h_before = state_.data(),
                                  .c_before = state_.data(),
                                  .weights = weights_.data(),
                                  .dy = y_.data(),
                                  .dh_after = state_.data(),
                                  .dc_after = state_.data(),
                                  .dx = x_.data(),
                                  .dh_before = state_.data(),
                                  .dc_before = state_.data(),
                                  .d_weights = d_weights_.data(),
                                  .workspace = workspace_.data(),
                                  .reserve = reserve_.data()});
  }
  /// Sets a byte of the memory of the device.
  static void spoil(const Bytes& bytes, std::size_t place) {
    CADENZA_CUDA_CHECK(cudaMemset(bytes.data() + place, 0x3F, 1));
  }

  cuda::CudnnRnn& rnn() { return rnn_; }
  const Bytes& weights() const { return weights_; }
  const Bytes& reserve() const { return reserve_; }

 private:
  static std::size_t index(std::int64_t count) { return static_cast<std::size_t>(count) * 4; }

  cuda::Stream stream_;
  cuda::CudnnHandle handle_;
  cuda::CudnnRnn rnn_;
  Bytes x_, y_, state_, weights_, d_weights_, workspace_, reserve_;
};

TEST(CudnnStandIn, IsContentWithPassesInOrder) {
  Pass pass(kShape);
  pass.forward();
  pass.backward();
  EXPECT_THAT(take_complaints(), IsEmpty());
}

TEST(CudnnStandIn, NoticesThatAReserveIsUsedTwice) {
  Pass pass(kShape);
  pass.forward();
  pass.backward();
  pass.backward();
  EXPECT_THAT(take_complaints(), ElementsAre(HasSubstr("backward data: the reserve"),
                                             HasSubstr("backward weights: the reserve")));
}

TEST(CudnnStandIn, NoticesAChangedReserve) {
  Pass pass(kShape);
  pass.forward();
  Pass::spoil(pass.reserve(), 100);
  pass.backward();
  EXPECT_THAT(take_complaints(), Not(IsEmpty()));
}

TEST(CudnnStandIn, NoticesChangedWeights) {
  Pass pass(kShape);
  pass.forward();
  Pass::spoil(pass.weights(), 5 * sizeof(float));
  pass.backward();
  EXPECT_THAT(take_complaints(), testing::Contains(HasSubstr("the weights are not")));
}

TEST(CudnnStandIn, NoticesRubbishInGaps) {
  Pass pass(kShape);
  Pass::spoil(pass.weights(), 0);
  pass.forward();
  EXPECT_THAT(take_complaints(), ElementsAre(HasSubstr("gap")));
}

TEST(CudnnStandIn, FailsOnRowsWithoutSteps) {
  RnnShape shape = kShape;
  shape.lengths = cuda::Lengths::varied;
  Pass pass(shape);
  const std::vector<std::int32_t> lengths = {0, 4};
  pass.rnn().set_lengths(lengths);
  pass.forward();
  EXPECT_THROW(pass.backward(), DeviceError);
}

std::string choice_of(const RnnShape& shape) { return CudnnPlanner().plan(shape).choice; }

RnnShape shape_with(std::int64_t hidden, RnnPass pass = RnnPass::training) {
  RnnShape shape = kShape;
  shape.hidden = hidden;
  shape.pass = pass;
  return shape;
}

TEST(CudnnPlan, TriesThePersistentAlgorithmsWhereTheyWork) {
  // Which of those that work is taken is a matter of time.
  EXPECT_THAT(choice_of(shape_with(64)), Not(HasSubstr("PERSIST_STATIC refused")));
  EXPECT_THAT(choice_of(shape_with(50)), HasSubstr("PERSIST_STATIC refused"));
  EXPECT_THAT(choice_of(shape_with(50)), Not(HasSubstr("SMALL_H refused")));
}

TEST(CudnnPlan, TriesTheGradientsTooWhereTheyAreNeeded) {
  EXPECT_TRUE(choice_of(shape_with(150)).starts_with("STANDARD ")) << choice_of(shape_with(150));
  EXPECT_THAT(choice_of(shape_with(150, RnnPass::inference)), Not(HasSubstr("SMALL_H refused")));
}

TEST(CudnnPlan, RepeatsTheWordsOfARefusal) {
  const std::string choice = choice_of(shape_with(150));
  EXPECT_THAT(choice, HasSubstr("PERSIST_STATIC refused: cudnnRNNForward: "
                                "CUDNN_STATUS_NOT_SUPPORTED: hiddenSize is not one"));
  EXPECT_THAT(choice,
              HasSubstr("SMALL_H refused: cudnnRNNBackwardData_v8: CUDNN_STATUS_NOT_SUPPORTED"));
}

TEST(CudnnPlan, FailsWithEveryRefusalWhereNothingWorks) {
  const Refusal standard(CUDNN_RNN_ALGO_STANDARD);
  const std::string words = test::expect_error<DeviceError>(
      [] { CudnnPlanner().plan(shape_with(150)); },
      "cuDNN 9.19.0 does not compute lstm I=3 H=150 T=4 B=2 fp32: ");
  EXPECT_THAT(words, HasSubstr("STANDARD refused: "));
}

}  // namespace
}  // namespace cadenza
