// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "emulation/cudnn/descriptors.h"
#include "emulation/cudnn/numbers.h"

namespace cadenza::cudnn_stand_in {

/// What forward keeps for the gradients: sums of gates, later their gradients, states and outputs.
/// All arrays of one pseudo-layer, then of the next.
class Record {
 public:
  /// Of null memory `count` alone is of use.
  Record(const cudnnRNNStruct& rnn, std::int64_t rows, float* memory)
      : rnn_(&rnn), rows_(rows), memory_(memory) {}

  std::int64_t count() const { return rnn_->pseudo_layers() * per_layer(); }
  /// [2, G, H] of a row of T * B: input sums, recurrent sums.
  float* sums(std::int64_t layer, std::int64_t row) const {
    return memory_ + layer * per_layer() + row * sum_count();
  }
  /// [H] after the step.
  float* h(std::int64_t layer, std::int64_t row) const {
    return memory_ + layer * per_layer() + rows_ * sum_count() + row * rnn_->hidden;
  }
  float* c(std::int64_t layer, std::int64_t row) const {
    return h(layer, row) + rows_ * rnn_->hidden;
  }

 private:
  std::int64_t sum_count() const { return 2 * rnn_->gates() * rnn_->hidden; }
  std::int64_t per_layer() const { return rows_ * (sum_count() + 2 * rnn_->hidden); }

  const cudnnRNNStruct* rnn_;
  std::int64_t rows_;
  float* memory_;
};

/// Memory of a pass; null pointers are absent.
struct StackMemory {
  const void* x = nullptr;
  void* y = nullptr;
  const void* y_given = nullptr;  ///< backwards: y of forward
  const void* hx = nullptr;
  const void* cx = nullptr;
  void* hy = nullptr;
  void* cy = nullptr;
  const void* dy = nullptr;
  const void* dhy = nullptr;
  const void* dcy = nullptr;
  void* dx = nullptr;
  void* dhx = nullptr;
  void* dcx = nullptr;
  const void* weights = nullptr;
  void* d_weights = nullptr;
};

/// The layers of a descriptor over sequences, sums in double.
struct Stack {
  cudnnRNNStruct rnn;
  Numbers numbers;
  std::int64_t steps, batch;
  std::vector<int> lengths;

  Stack(const cudnnRNNStruct& descriptor, const cudnnRNNDataStruct& x)
      : rnn(descriptor),
        numbers{descriptor.type, descriptor.math},
        steps(x.steps),
        batch(x.batch),
        lengths(x.lengths) {}

  std::int64_t rows() const { return steps * batch; }
  bool counts(std::int64_t n) const {
    return n / batch < lengths[static_cast<std::size_t>(n % batch)];
  }
  std::int64_t record_count() const { return Record(rnn, rows(), nullptr).count(); }

  void forward(const StackMemory& memory, float* record) const;
  void backward_data(const StackMemory& memory, float* record) const;
  void backward_weights(const StackMemory& memory, float* record) const;
};

}  // namespace cadenza::cudnn_stand_in
