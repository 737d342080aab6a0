// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>

#include "emulation/cudnn/call.h"
#include "emulation/cudnn/stand_in.h"
#include "kernels/device/launch.h"

// The passes as kernels of one thread, so that the memory of the device is open to them and the
// order of the stream holds, and what the reserve carries from one to the next.

namespace cadenza::cudnn_stand_in {
namespace {

enum class Stage : std::uint64_t { forward_done = 0xF0, data_done = 0xDA, used_up = 0x0 };

/// FNV-1a.
std::uint64_t checksum(const Span& span) {
  std::uint64_t sum = 0xCBF29CE484222325U;
  for (std::size_t i = 0; i < span.bytes; ++i) {
    sum = (sum ^ static_cast<const unsigned char*>(span.data)[i]) * 0x100000001B3U;
  }
  return sum;
}

void spoil(const Call& call, const char* what) {
  complain(what);
  const Numbers numbers{call.rnn.type, call.rnn.math};
  for (const auto& [data, count] : call.outputs) {
    if (data == nullptr) continue;
    for (std::int64_t i = 0; i < count; ++i) {
      numbers.store(data, i, std::numeric_limits<float>::quiet_NaN());
    }
  }
}

void fill_workspace(const Call& call) {
  std::memset(const_cast<void*>(call.workspace.data), 0xFF, call.workspace.bytes);
}

bool gaps_are_zero(const Call& call) {
  const Numbers numbers{call.rnn.type, call.rnn.math};
  std::vector<bool> used(static_cast<std::size_t>(weight_space_count(call.rnn)));
  const auto mark = [&](std::int64_t offset, std::int64_t count) {
    std::fill_n(used.begin() + offset, count, true);
  };
  for (std::int64_t layer = 0; layer < call.rnn.pseudo_layers(); ++layer) {
    for (int number = 0; number < 2 * call.rnn.gates(); ++number) {
      const WeightPlace place = place_of(call.rnn, layer, number);
      const bool recurrent = number >= call.rnn.gates();
      mark(place.matrix, call.rnn.hidden * (recurrent ? call.rnn.hidden : call.rnn.columns(layer)));
      mark(place.bias, call.rnn.hidden);
    }
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i] && numbers.load(call.weights.data, static_cast<std::int64_t>(i)) != 0.0F) {
      return false;
    }
  }
  return true;
}

void forward_kernel(const Call* call) {
  fill_workspace(*call);
  if (!gaps_are_zero(*call)) return spoil(*call, "forward: a gap of the weight space is not zero");
  const bool training = call->reserve.bytes > 0;
  std::vector<float> own(training ? 0 : static_cast<std::size_t>(call->stack().record_count()));
  call->stack().forward(call->memory, training ? call->record() : own.data());
  if (!training) return;
  *call->header() = {static_cast<std::uint64_t>(Stage::forward_done), checksum(call->weights),
                     checksum(call->record_span())};
}

/// Whether the reserve is as the pass before left it.
bool follows(const Call& call, Stage stage) {
  return call.header()->stage == static_cast<std::uint64_t>(stage) &&
         call.header()->record == checksum(call.record_span());
}

void backward_data_kernel(const Call* call) {
  fill_workspace(*call);
  if (!follows(*call, Stage::forward_done)) {
    return spoil(*call, "backward data: the reserve is not what forward left");
  }
  if (call->header()->weights != checksum(call->weights)) {
    return spoil(*call, "backward data: the weights are not those of forward");
  }
  call->stack().backward_data(call->memory, call->record());
  call->header()->stage = static_cast<std::uint64_t>(Stage::data_done);
  call->header()->record = checksum(call->record_span());
}

void backward_weights_kernel(const Call* call) {
  fill_workspace(*call);
  if (!follows(*call, Stage::data_done)) {
    return spoil(*call, "backward weights: the reserve is not what backward data left");
  }
  call->stack().backward_weights(call->memory, call->record());
  call->header()->stage = static_cast<std::uint64_t>(Stage::used_up);
}

using Kernel = void (*)(const Call*);

Kernel kernel_of(PassKind kind) {
  switch (kind) {
    case PassKind::forward:
      return forward_kernel;
    case PassKind::backward_data:
      return backward_data_kernel;
    default:
      return backward_weights_kernel;
  }
}

}  // namespace

cudnnStatus_t run(cudnnHandle_t handle, PassKind kind, Call call) {
  static std::deque<Call> calls;  // stay: graphs may replay them
  const Call* kept = &calls.emplace_back(std::move(call));
  kernels::launch({.kernel = "cuDNN",
                   .shape = {kept->x.steps, kept->x.batch, kept->rnn.hidden},
                   .grid = dim3(1),
                   .block = dim3(1),
                   .stream = handle->stream},
                  kernel_of(kind), kept);
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace cadenza::cudnn_stand_in
