// SPDX-License-Identifier: Apache-2.0
// Streams, events, graphs. A stream is a line of operations; eager streams run each at once, lazy
// ones when the host waits. An event is a place in such a line.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "cuda_runtime_api.h"

namespace cadenza::emulation {

struct StreamState;

/// Reached when the stream has done that many operations.
struct Place {
  std::shared_ptr<StreamState> stream;
  std::uint64_t operations = 0;
};

enum class OperationKind { kKernel, kCopy, kSet, kHost, kOrder };

struct Operation {
  OperationKind kind = OperationKind::kOrder;
  const void* kernel = nullptr;      ///< identity of a kernel, for updates of graphs
  std::function<cudaError_t()> run;  ///< may be empty
  std::vector<Place> after;          ///< places to reach first
};

/// What is captured from one or more streams that events join.
struct Capture {
  CUgraph_st* graph = nullptr;
  StreamState* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  bool valid = true;
};

struct StreamState {
  enum class WithDefault { kOrdered, kUnordered };

  WithDefault with_default = WithDefault::kOrdered;
  std::deque<Operation> queue;
  std::uint64_t queued = 0;  ///< operations so far
  std::uint64_t done = 0;
  std::shared_ptr<Capture> capture;
  bool unjoined = false;  ///< captured operations that the origin does not yet wait for
};

/// The stream behind a handle; null is the default stream.
const std::shared_ptr<StreamState>& state_of(cudaStream_t stream);

/// Runs, queues or records an operation.
cudaError_t enqueue(cudaStream_t stream, Operation operation);
/// Runs what must run for the place to be reached.
cudaError_t reach(const Place& place);
cudaError_t finish_stream(cudaStream_t stream);
cudaError_t finish_all_streams();

/// Ends a capture on all streams that took part; says whether the origin waits for all of them.
bool leave_capture(const Capture& capture);
/// Refuses what a captured stream does not allow, and spoils the capture.
cudaError_t spoil_capture(Capture& capture);
/// The error of a call that is forbidden while anything is captured, or success.
cudaError_t check_no_capture();

/// Remembers an error for cudaGetLastError and returns it.
cudaError_t remember(cudaError_t error);

}  // namespace cadenza::emulation

struct CUstream_st {
  std::shared_ptr<cadenza::emulation::StreamState> state;
};

struct CUevent_st {
  cadenza::emulation::Place place;  ///< no stream: never recorded
  std::shared_ptr<cadenza::emulation::Capture> capture;
  cadenza::emulation::StreamState* captured_on = nullptr;
  double milliseconds = 0;
};

struct CUgraph_st {
  std::vector<cadenza::emulation::Operation> operations;
};

struct CUgraphExec_st {
  std::vector<cadenza::emulation::Operation> operations;
};
