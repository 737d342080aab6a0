// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <algorithm>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/cuda_check.h"
#include "backend/generation_step.h"
#include "kernels/generation.h"

// Generation without the host: a CUDA graph of some steps is recorded once and replayed. What
// changes from step to step (the input, the windows, the numbers of steps) lies on the device.

namespace cadenza {
namespace {

using Head = GenerationNetwork::Head;

/// Steps in one graph: enough that launching it costs little beside them.
constexpr std::int64_t kStepsPerGraph = 16;

/// A step in fixed memory: args.input is what it reads and where it leaves the draw.
class ReplayedStep {
 public:
  ReplayedStep(Backend& backend, const GenerateArgs& args, std::int64_t batch, cudaStream_t stream)
      : args_(args),
        batch_(batch),
        stream_(stream),
        step_(backend, args, batch),
        log_probability_(args.log_probability.empty() ? Tensor()
                                                      : Tensor(backend, {batch}, DType::f32)),
        positions_(backend, {batch}, DType::i32),
        own_finished_(args.finished.empty() && args.end_token >= 0
                          ? Tensor(backend, {batch}, DType::i32)
                          : Tensor()) {}

  void run() {
    const TensorView log_probability = log_probability_;
    if (args_.network->head == Head::softmax) {
      step_.run(args_.input,
                {.tokens = args_.input, .frames = {}, .log_probability = log_probability});
      advance_tokens(log_probability);
    } else {
      step_.run(args_.input,
                {.tokens = {}, .frames = args_.input, .log_probability = log_probability});
      kernels::advance_frames({.batch = batch_,
                               .keys = args_.network->width,
                               .frames = args_.input.as<float>(),
                               .log_probability = log_probability.as<float>(),
                               .positions = positions_.view().as<std::int32_t>(),
                               .steps = args_.rows.steps.as<std::int32_t>(),
                               .all_frames = args_.frames.as<float>(),
                               .all_log_probability = args_.log_probability.as<float>()},
                              stream_);
    }
  }

 private:
  void advance_tokens(const TensorView& log_probability) {
    const TensorView& finished = args_.finished.empty() ? own_finished_.view() : args_.finished;
    kernels::advance_tokens({.batch = batch_,
                             .window_slots = args_.window.empty() ? 0 : args_.window.shape[1],
                             .end_token = args_.end_token,
                             .tokens = args_.input.as<std::int32_t>(),
                             .log_probability = log_probability.as<float>(),
                             .positions = positions_.view().as<std::int32_t>(),
                             .steps = args_.rows.steps.as<std::int32_t>(),
                             .finished = finished.as<std::int32_t>(),
                             .window = args_.window.as<std::int32_t>(),
                             .all_tokens = args_.tokens.as<std::int32_t>(),
                             .all_log_probability = args_.log_probability.as<float>()},
                            stream_);
  }

  const GenerateArgs& args_;
  std::int64_t batch_;
  cudaStream_t stream_;
  GenerationStep step_;
  Tensor log_probability_;  // [B] of one step
  Tensor positions_;        // [B] steps done
  Tensor own_finished_;     // [B]
};

}  // namespace

GenerationPlan CudaBackend::do_plan_generation(const GenerationNetwork& network,
                                               std::int64_t batch) const {
  return {
      .kernel = "graph of steps",
      .reason = message("a CUDA graph of ", kStepsPerGraph,
                        " steps is recorded once and replayed, with everything on the device"),
      .refused = {},
      .workspace_bytes = GenerationStep::bytes_per_row(network) * static_cast<std::size_t>(batch)};
}

void CudaBackend::do_generate(const GenerateArgs& args) {
  const TensorView& drawn = args.network->head == Head::softmax ? args.tokens : args.frames;
  const std::int64_t steps = drawn.shape[0];
  ReplayedStep step(*this, args, drawn.shape[1], stream());
  const std::int64_t replays = steps / kStepsPerGraph;
  if (replays > 0) {
    record(generation_, [&] {
      for (std::int64_t i = 0; i < kStepsPerGraph; ++i) step.run();
    });
  }
  for (std::int64_t i = 0; i < replays; ++i) {
    CADENZA_CUDA_CHECK(cudaGraphLaunch(generation_.get(), stream()));
  }
  for (std::int64_t i = replays * kStepsPerGraph; i < steps; ++i) step.run();
}

}  // namespace cadenza
