// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/memory_pool.h"

namespace cadenza::cuda {
namespace {

/// In the order of preference among equals. PERSIST_DYNAMIC is left out: it compiles code for every
/// batch size.
constexpr cudnnRNNAlgo_t kCandidates[] = {
    CUDNN_RNN_ALGO_PERSIST_STATIC, CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, CUDNN_RNN_ALGO_STANDARD};
constexpr int kTimedPasses = 3;
/// A later candidate must be faster by this much, so that noise does not change the choice, and
/// with it the last bits of results, from run to run.
constexpr double kMargin = 0.9;

/// Memory outside the pool, whose blocks may still be in use by the stream of the backend.
using DeviceMemory = UniqueHandle<void*, cudaFree>;

DeviceMemory zeros(std::size_t bytes, const RnnShape& shape, cudaStream_t stream) {
  if (bytes == 0) return {};
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) throw no_room(bytes, " to plan " + shape.text());
  CADENZA_CUDA_CHECK(status);
  DeviceMemory memory(data);
  CADENZA_CUDA_CHECK(cudaMemsetAsync(data, 0, bytes, stream));
  return memory;
}

/// Memory for passes of one shape whose results do not matter.
class Trial {
 public:
  Trial(const CudnnRnn& rnn, cudaStream_t stream) : training_(is_training(rnn)) {
    const RnnShape& shape = rnn.shape();
    const auto bytes = [&](std::int64_t count) {
      return static_cast<std::size_t>(count) * shape.element();
    };
    const auto take = [&](std::size_t size) {
      return memory_.emplace_back(zeros(size, shape, stream)).get();
    };
    const std::size_t x = bytes(shape.steps * shape.batch * shape.input);
    const std::size_t y = bytes(shape.steps * shape.batch * shape.output());
    const std::size_t state = bytes(shape.state_count());
    forward_ = {.x = take(x),
                .y = take(y),
                .h_before = take(state),
                .c_before = take(state),
                .h_after = take(state),
                .c_after = take(state),
                .weights = take(rnn.weight_bytes()),
                .workspace = take(rnn.workspace_bytes()),
                .reserve = take(rnn.reserve_bytes())};
    if (!training_) return;
    backward_ = {.x = forward_.x,
                 .y = forward_.y,
                 .h_before = forward_.h_before,
                 .c_before = forward_.c_before,
                 .weights = forward_.weights,
                 .dy = take(y),
                 .dh_after = take(state),
                 .dc_after = take(state),
                 .dx = take(x),
                 .dh_before = take(state),
                 .dc_before = take(state),
                 .d_weights = take(rnn.weight_bytes()),
                 .workspace = forward_.workspace,
                 .reserve = forward_.reserve};
  }

  void run(const CudnnRnn& rnn, cudnnHandle_t handle) const {
    rnn.forward(handle, forward_);
    if (training_) rnn.backward(handle, backward_);
  }

 private:
  static bool is_training(const CudnnRnn& rnn) { return rnn.shape().pass == RnnPass::training; }

  bool training_;
  std::vector<DeviceMemory> memory_;
  RnnForwardMemory forward_;
  RnnBackwardMemory backward_;
};

Event make_timer() {
  cudaEvent_t event = nullptr;
  CADENZA_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDefault));
  return Event(event);
}

/// Milliseconds of the fastest of some passes, after one that shows whether they work at all.
double time_passes(const CudnnRnn& rnn, cudnnHandle_t handle, cudaStream_t stream) {
  const Trial trial(rnn, stream);
  trial.run(rnn, handle);
  CADENZA_CUDA_CHECK(cudaStreamSynchronize(stream));
  const Event start = make_timer();
  const Event end = make_timer();
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTimedPasses; ++i) {
    CADENZA_CUDA_CHECK(cudaEventRecord(start.get(), stream));
    trial.run(rnn, handle);
    CADENZA_CUDA_CHECK(cudaEventRecord(end.get(), stream));
    CADENZA_CUDA_CHECK(cudaEventSynchronize(end.get()));
    float milliseconds = 0.0F;
    CADENZA_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start.get(), end.get()));
    best = std::min(best, static_cast<double>(milliseconds));
  }
  return best;
}

/// An algorithm that works, or the reason why it does not.
struct Candidate {
  std::unique_ptr<CudnnRnn> rnn;
  double milliseconds = 0.0;
  std::string text;  // for people
};

Candidate attempt(const RnnShape& shape, cudnnRNNAlgo_t algorithm, cudnnHandle_t handle,
                  cudaStream_t stream) {
  const std::string_view name = name_of(algorithm);
  std::unique_ptr<CudnnRnn> rnn;
  try {
    rnn = std::make_unique<CudnnRnn>(handle, shape, algorithm);
    const double milliseconds = time_passes(*rnn, handle, stream);
    return {std::move(rnn), milliseconds, message(name, ' ', milliseconds, " ms")};
  } catch (const DeviceError& error) {
    static_cast<void>(cudaStreamSynchronize(stream));
    static_cast<void>(cudaGetLastError());
    const bool full = dynamic_cast<const OutOfMemory*>(&error) != nullptr;
    if (!full || algorithm != CUDNN_RNN_ALGO_STANDARD) {
      return {nullptr, 0.0, message(name, " refused: ", error.what())};
    }
    // It takes every shape, so it may be used without a trial.
    constexpr double kUnknown = std::numeric_limits<double>::infinity();
    return {std::move(rnn), kUnknown, message(name, " untried: ", error.what())};
  }
}

std::vector<Candidate> attempt_all(const RnnShape& shape, cudnnHandle_t handle,
                                   cudaStream_t stream) {
  std::vector<Candidate> candidates;
  for (const cudnnRNNAlgo_t algorithm : kCandidates) {
    candidates.push_back(attempt(shape, algorithm, handle, stream));
  }
  return candidates;
}

/// Null if none works.
Candidate* fastest(std::vector<Candidate>& candidates) {
  Candidate* chosen = nullptr;
  for (Candidate& candidate : candidates) {
    if (!candidate.rnn) continue;
    if (chosen == nullptr || candidate.milliseconds < kMargin * chosen->milliseconds) {
      chosen = &candidate;
    }
  }
  return chosen;
}

/// The candidate in question, then the others.
std::string describe(const Candidate* first, const std::vector<Candidate>& candidates) {
  std::string text = first == nullptr ? std::string() : first->text;
  for (const Candidate& other : candidates) {
    if (&other == first) continue;
    if (!text.empty()) text += "; ";
    text += other.text;
  }
  return text;
}

}  // namespace

CudnnPlanner::CudnnPlanner() : stream_(make_stream()), handle_(make_cudnn_handle(stream_.get())) {}

CudnnPlan& CudnnPlanner::plan(const RnnShape& shape) {
  CudnnPlan& plan = find_or_make(shape);
  if (!plan.used) decisions_.push_back(message("recurrent ", shape.text(), ": ", plan.choice));
  plan.used = true;
  return plan;
}

std::size_t CudnnPlanner::reserve_bytes(RnnShape shape) {
  shape.pass = RnnPass::training;
  shape.lengths = Lengths::equal;
  const std::size_t equal = find_or_make(shape).rnn->reserve_bytes();
  shape.lengths = Lengths::varied;
  return std::max(equal, find_or_make(shape).rnn->reserve_bytes());
}

CudnnPlan& CudnnPlanner::find_or_make(const RnnShape& shape) {
  const auto found = plans_.find(shape);
  return found != plans_.end() ? found->second : plans_.emplace(shape, make(shape)).first->second;
}

CudnnPlan CudnnPlanner::make(const RnnShape& shape) {
  CudnnPlan plan;
  if (shape.lengths == Lengths::varied) {
    plan.rnn = std::make_unique<CudnnRnn>(handle_.get(), shape, CUDNN_RNN_ALGO_STANDARD);
    plan.choice = "STANDARD, the one algorithm that takes lengths";
  } else {
    std::vector<Candidate> candidates = attempt_all(shape, handle_.get(), stream_.get());
    Candidate* const chosen = fastest(candidates);
    plan.choice = describe(chosen, candidates);
    if (chosen == nullptr) {
      throw DeviceError(message("cuDNN ", version_text(cudnnGetVersion()), " does not compute ",
                                shape.text(), ": ", plan.choice));
    }
    plan.rnn = std::move(chosen->rnn);
  }
  const DeviceMemory space = zeros(plan.rnn->weight_bytes(), shape, stream_.get());
  plan.layout = std::make_unique<CudnnWeightLayout>(handle_.get(), *plan.rnn, space.get());
  CADENZA_CUDA_CHECK(cudaStreamSynchronize(stream_.get()));
  return plan;
}

void warm_up(cudnnHandle_t handle, cudaStream_t stream, Precision precision) {
  const RnnShape shape = {.cell = CellKind::lstm,
                          .input = 32,
                          .hidden = 32,
                          .steps = 2,
                          .batch = 8,
                          .precision = precision};
  const CudnnRnn rnn(handle, shape, CUDNN_RNN_ALGO_STANDARD);
  Trial(rnn, stream).run(rnn, handle);
  CADENZA_CUDA_CHECK(cudaStreamSynchronize(stream));
}

}  // namespace cadenza::cuda
