// SPDX-License-Identifier: Apache-2.0
// What is said where a GPU, its driver or its memory do not suffice, on an emulated device.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>

#include <string>

#include "backend/cuda_entry.h"
#include "cadenza/error.h"
#include "cadenza/generator.h"
#include "cadenza/trainer.h"
#include "emulation/config.h"
#include "emulation/cudnn/stand_in.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class EmulatedLimits : public testing::Test {
 protected:
  void TearDown() override { emulation::config() = saved_; }

  /// Leaves so many bytes of the device free.
  static void leave(std::size_t bytes) {
    emulation::config().memory_bytes = emulation::statistics().device_bytes + bytes;
  }

 private:
  emulation::Config saved_ = emulation::config();
};

using CudnnLimits = EmulatedLimits;

class CudaLimits : public EmulatedLimits, public testing::WithParamInterface<std::string> {
 protected:
  static std::string obstacle() { return entry().obstacle(); }
  static std::unique_ptr<Backend> make() { return entry().make({}); }

 private:
  static const CudaEntry& entry() {
    return GetParam() == "cudnn" ? *cadenza_cudnn_entry() : *cadenza_cuda_entry();
  }
};

template <typename Function>
std::string memory_error(const Function& function) {
  try {
    function();
  } catch (const OutOfMemory& error) {
    return error.what();
  }
  ADD_FAILURE() << "there was room";
  return {};
}

/// The number at the end of a message.
std::int64_t last_number(const std::string& message) {
  return std::stoll(message.substr(message.find_last_of(' ') + 1));
}

LanguageModelConfig small_model() {
  return {.head = Head::softmax, .width = 12, .cell = CellKind::lstm, .layers = 1, .hidden = 8};
}

TEST_P(CudaLimits, NoObstacleOnAGoodDevice) { EXPECT_EQ(obstacle(), ""); }

TEST_P(CudaLimits, NoDevice) {
  emulation::config().device_count = 0;
  EXPECT_THAT(obstacle(), HasSubstr("CUDA finds no GPU"));
}

TEST_P(CudaLimits, DriverTooOld) {
  emulation::config().driver_version = 12040;
  EXPECT_EQ(obstacle(),
            "the NVIDIA driver supports CUDA 12.4, this build needs CUDA 13.0; install a newer "
            "driver");
}

TEST_P(CudaLimits, NoDriver) {  // as a program meets it that holds the backends itself
  emulation::config().driver_version = 0;
  EXPECT_EQ(obstacle(),
            "no NVIDIA driver was found; where there is a GPU, install its driver, R580 or newer");
}

TEST_F(CudnnLimits, AnotherMajorVersion) {
  const auto obstacle_with = [](std::size_t version) {
    const cudnn_stand_in::Version loaded(version);
    return cadenza_cudnn_entry()->obstacle();
  };
  EXPECT_EQ(obstacle_with(90000), "");
  EXPECT_EQ(obstacle_with(92001), "");
  EXPECT_EQ(obstacle_with(8907),
            "cuDNN 8.9.7 was loaded, this build needs cuDNN 9; install cuDNN 9");
  EXPECT_EQ(obstacle_with(100102),
            "cuDNN 10.1.2 was loaded, this build needs cuDNN 9; install cuDNN 9");
}

TEST_P(CudaLimits, NoRoomForATensor) {
  const auto backend = make();
  leave(1000);
  EXPECT_THAT(memory_error([&] { const Tensor tensor(*backend, {300}, DType::f32); }),
              HasSubstr("the GPU has no room for 1200 more bytes: 1000 of "));
  const Tensor smaller(*backend, {250}, DType::f32);
}

// The planner has memory of its own.
TEST_F(CudnnLimits, NoRoomForAPlan) {
  const auto backend = cadenza_cudnn_entry()->make({});
  leave(1000);
  const RecurrentSpec spec = {CellKind::lstm, 8, 16};
  const auto plan = [&] { return backend->recurrent_reserve_bytes(spec, 30, 4, DType::f32); };
  EXPECT_THAT(memory_error(plan),
              MatchesRegex("the GPU has no room for [0-9]+ more bytes to plan lstm I=8 H=16 T=30 "
                           "B=4 fp32: 1000 of [0-9]+ bytes are free"));
  leave(1 << 20);
  EXPECT_GT(plan(), 0U);
}

TEST_P(CudaLimits, LargestBatchToGenerate) {
  const auto backend = make();
  LanguageModel model(*backend, small_model());
  model.initialize(1);
  const auto tokenizer = make_tokenizer("ids", "vocabulary=12");
  leave(40'000);
  const auto generate = [&](std::int64_t rows) {
    return Generator(model, *tokenizer)
        .run({.num_outputs = rows, .num_steps = 20, .batch_size = rows})
        .size();
  };
  const std::string error = memory_error([&] { generate(400); });
  EXPECT_THAT(error, HasSubstr("generating 400 sequences at once: the GPU has no room for "));
  EXPECT_THAT(error, HasSubstr("; the largest batch with room is "));
  const std::int64_t fits = last_number(error);
  ASSERT_GT(fits, 0);
  EXPECT_EQ(generate(fits), static_cast<std::size_t>(fits));
  memory_error([&] { generate(fits + 1); });
}

TEST_P(CudaLimits, LargestBatchToTrain) {
  const test::TmpDir folder;
  Dataset data = test::tiny_tokens();
  data[Split::valid].clear();
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  const auto train = [&](std::int64_t rows) {
    const auto backend = make();
    LanguageModel model(*backend, small_model());
    const TrainingConfig config = {.batch_size = static_cast<int>(rows),
                                   .sequence_length = 8,
                                   .epochs = 0,
                                   .steps = 3,
                                   .patience = 0};
    Trainer trainer(model, *tokenizer, data, config, folder.path(), false);
    leave(std::size_t{3} << 20);
    return trainer.run({}).steps;
  };
  const std::string error = memory_error([&] { train(1000); });
  EXPECT_THAT(error, MatchesRegex("training on 1000 sequences of 8 steps at once: the GPU has no "
                                  "room for [0-9]+ more bytes.*: [0-9]+ of [0-9]+ bytes are free; "
                                  "the largest batch with room is [0-9]+"));
  const std::int64_t fits = last_number(error);
  ASSERT_GT(fits, 0);
  EXPECT_EQ(train(fits), 3);
}

// Memory that a step has given back while it was recorded is still the graph's.
TEST_P(CudaLimits, KeepsTheMemoryOfARecordedStep) {
  const auto backend = make();
  const Tensor kept(*backend, {100}, DType::f32);
  leave(1000);
  EXPECT_THAT(memory_error([&] {
                backend->submit([&] {
                  {
                    const Tensor scratch(*backend, {200}, DType::f32);
                    backend->fill(scratch, 1.0F);
                  }
                  const Tensor other(*backend, {240}, DType::f32);
                  backend->fill(other, 2.0F);
                });
              }),
              HasSubstr("no room for 960 more bytes"));
  const Tensor afterwards(*backend, {240}, DType::f32);
}

INSTANTIATE_TEST_SUITE_P(Backends, CudaLimits, testing::Values("cuda", "cudnn"),
                         [](const testing::TestParamInfo<std::string>& param) {
                           return param.param;
                         });

}  // namespace
}  // namespace cadenza
