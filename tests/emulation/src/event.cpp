// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "stream.h"

namespace {

using cadenza::emulation::enqueue;
using cadenza::emulation::remember;
using cadenza::emulation::state_of;

bool reached(const CUevent_st& event) {
  return event.place.stream == nullptr || event.place.stream->done >= event.place.operations;
}

double milliseconds_now() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const auto state = state_of(stream);
  if (state->capture != nullptr) {
    if (!state->capture->valid) return remember(cudaErrorStreamCaptureInvalidated);
    event->capture = state->capture;
    event->captured_on = state.get();
    return cudaSuccess;
  }
  event->capture = nullptr;
  event->milliseconds = 0;
  event->place = {state, state->queued + 1};
  return enqueue(stream, {.run = [event, place = event->place] {
                   const bool latest = event->place.operations == place.operations;
                   if (latest) event->milliseconds = milliseconds_now();
                   return cudaSuccess;
                 }});
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const auto state = state_of(stream);
  if (event->capture != nullptr && event->capture->graph != nullptr) {
    if (state->capture == nullptr) state->capture = event->capture;  // the stream joins
    if (state->capture != event->capture) return spoil_capture(*state->capture);
    event->captured_on->unjoined = false;
    return cudaSuccess;
  }
  if (event->place.stream == nullptr) return cudaSuccess;
  return enqueue(stream, {.after = {event->place}});
}

// What is not done gets a step further, so that a loop of queries ends.
cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (event->capture != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  if (reached(*event)) return cudaSuccess;
  const auto& stream = event->place.stream;
  const cudaError_t status = cadenza::emulation::reach({stream, stream->done + 1});
  return status == cudaSuccess ? cudaErrorNotReady : remember(status);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->capture != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  return reached(*event) ? cudaSuccess : remember(cadenza::emulation::reach(event->place));
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  if (start->place.stream == nullptr || stop->place.stream == nullptr) {
    return remember(cudaErrorInvalidResourceHandle);
  }
  if (!reached(*start) || !reached(*stop)) return remember(cudaErrorNotReady);
  *milliseconds = static_cast<float>(stop->milliseconds - start->milliseconds);
  return cudaSuccess;
}
