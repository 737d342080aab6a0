// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "emulation/cudnn/descriptors.h"
#include "emulation/cudnn/stack.h"

namespace cadenza::cudnn_stand_in {

/// At the front of a reserve, before the record.
struct Header {
  std::uint64_t stage, weights, record;
};
constexpr std::size_t kHeaderBytes = 64;

struct Span {
  const void* data = nullptr;
  std::size_t bytes = 0;
};

/// One pass with everything that was said about it.
struct Call {
  cudnnRNNStruct rnn;
  cudnnRNNDataStruct x;
  StackMemory memory;
  Span weights, workspace, reserve;
  std::vector<std::pair<void*, std::int64_t>> outputs;  // elements

  Stack stack() const { return Stack(rnn, x); }
  Header* header() const { return static_cast<Header*>(const_cast<void*>(reserve.data)); }
  float* record() const {
    return reinterpret_cast<float*>(static_cast<std::byte*>(const_cast<void*>(reserve.data)) +
                                    kHeaderBytes);
  }
  Span record_span() const {
    return {record(), static_cast<std::size_t>(stack().record_count()) * sizeof(float)};
  }
};

enum class PassKind : std::uint8_t { forward, backward_data, backward_weights };

/// Puts a pass into the stream of the handle.
cudnnStatus_t run(cudnnHandle_t handle, PassKind kind, Call call);

struct Sizes {
  std::size_t workspace, reserve;
};
Sizes sizes_of(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x, bool training);
/// What an algorithm says to a shape at a pass.
cudnnStatus_t refusal(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x, bool backward);
/// What every pass is checked for. `call` has the memory and the sizes that were given.
cudnnStatus_t check_call(const Call& call, const cudnnRNNDataStruct& y,
                         const cudnnTensorStruct& states, bool training);

}  // namespace cadenza::cudnn_stand_in
