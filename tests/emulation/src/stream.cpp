// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <algorithm>

#include "device_memory.h"
#include "emulation/config.h"
#include "emulation/stream.h"

namespace cadenza::emulation {
namespace {

/// Streams that exist, the default stream first.
std::vector<std::shared_ptr<StreamState>>& streams() {
  static std::vector<std::shared_ptr<StreamState>> all = {std::make_shared<StreamState>()};
  return all;
}

/// The default stream and the streams that are ordered with it wait for each other.
void add_default_order(const std::shared_ptr<StreamState>& stream, Operation& operation) {
  const auto& all = streams();
  const auto wait_for = [&](const std::shared_ptr<StreamState>& other) {
    if (other != stream && other->with_default == StreamState::WithDefault::kOrdered &&
        other->done < other->queued) {
      operation.after.push_back({other, other->queued});
    }
  };
  if (stream == all.front()) {
    for (const auto& other : all) wait_for(other);
  } else if (stream->with_default == StreamState::WithDefault::kOrdered) {
    wait_for(all.front());
  }
}

cudaError_t run_next(StreamState& stream) {
  const Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  cudaError_t status = cudaSuccess;
  for (const Place& place : operation.after) {
    if (const cudaError_t error = reach(place); error != cudaSuccess) status = error;
  }
  if (operation.run) {
    const OpenDeviceMemory open;
    if (const cudaError_t error = operation.run(); error != cudaSuccess) status = error;
  }
  ++stream.done;
  return status;
}

}  // namespace

const std::shared_ptr<StreamState>& state_of(cudaStream_t stream) {
  return stream == nullptr ? streams().front() : stream->state;
}

cudaError_t enqueue(cudaStream_t handle, Operation operation) {
  const std::shared_ptr<StreamState>& stream = state_of(handle);
  if (stream->capture != nullptr) {
    if (!stream->capture->valid) return remember(cudaErrorStreamCaptureInvalidated);
    stream->capture->graph->operations.push_back(std::move(operation));
    stream->unjoined = stream.get() != stream->capture->origin;
    return cudaSuccess;
  }
  add_default_order(stream, operation);
  stream->queue.push_back(std::move(operation));
  ++stream->queued;
  if (config().streams == Streams::kLazy) return cudaSuccess;
  return remember(reach({stream, stream->queued}));
}

cudaError_t reach(const Place& place) {
  cudaError_t status = cudaSuccess;
  while (place.stream->done < place.operations) {
    if (const cudaError_t error = run_next(*place.stream); error != cudaSuccess) status = error;
  }
  return status;
}

cudaError_t finish_stream(cudaStream_t handle) {
  const auto stream = state_of(handle);
  if (stream->capture != nullptr) return spoil_capture(*stream->capture);
  if (handle == nullptr) {  // it comes after the streams that are ordered with it
    if (const cudaError_t error = enqueue(handle, {}); error != cudaSuccess) return error;
  }
  return remember(reach({stream, stream->queued}));
}

cudaError_t finish_all_streams() {
  cudaError_t status = cudaSuccess;
  for (const auto& stream : std::vector(streams())) {
    const cudaError_t error = reach({stream, stream->queued});
    if (error != cudaSuccess) status = error;
  }
  return remember(status);
}

bool leave_capture(const Capture& capture) {
  bool joined = true;
  for (const auto& stream : streams()) {
    if (stream->capture.get() != &capture) continue;
    joined = joined && !stream->unjoined;
    stream->unjoined = false;
    stream->capture = nullptr;
  }
  return joined;
}

cudaError_t spoil_capture(Capture& capture) {
  capture.valid = false;
  return remember(cudaErrorStreamCaptureUnsupported);
}

cudaError_t check_no_capture() {
  for (const auto& stream : streams()) {
    if (stream->capture != nullptr && stream->capture->mode != cudaStreamCaptureModeRelaxed) {
      return spoil_capture(*stream->capture);
    }
  }
  return cudaSuccess;
}

cudaError_t enqueue_work(cudaStream_t stream, const void* identity, std::function<void()> work) {
  return enqueue(
      stream, {.kind = OperationKind::kKernel, .kernel = identity, .run = [work = std::move(work)] {
                 work();
                 return cudaSuccess;
               }});
}

}  // namespace cadenza::emulation

using cadenza::emulation::streams;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  auto state = std::make_shared<cadenza::emulation::StreamState>();
  if (flags == cudaStreamNonBlocking) {
    state->with_default = cadenza::emulation::StreamState::WithDefault::kUnordered;
  }
  streams().push_back(state);
  *stream = new CUstream_st{state};
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

// What is queued is still done, as the device would.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const cudaError_t status = cadenza::emulation::reach({stream->state, stream->state->queued});
  std::erase(streams(), stream->state);
  delete stream;
  return cadenza::emulation::remember(status);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return cadenza::emulation::finish_stream(stream);
}

// What is not done gets a step further, so that a loop of queries ends.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const auto state = cadenza::emulation::state_of(stream);
  if (state->capture != nullptr) return cadenza::emulation::spoil_capture(*state->capture);
  if (state->done == state->queued) return cudaSuccess;
  const cudaError_t status = cadenza::emulation::reach({state, state->done + 1});
  return status == cudaSuccess ? cudaErrorNotReady : cadenza::emulation::remember(status);
}

cudaError_t cudaDeviceSynchronize() {
  if (const cudaError_t error = cadenza::emulation::check_no_capture(); error != cudaSuccess) {
    return error;
  }
  return cadenza::emulation::finish_all_streams();
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, void (*function)(void*), void* argument) {
  return cadenza::emulation::enqueue(
      stream, {.kind = cadenza::emulation::OperationKind::kHost, .run = [function, argument] {
                 function(argument);
                 return cudaSuccess;
               }});
}
