// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "cadenza/backend.h"

namespace cadenza::bench {

/// The rows of a draw in backend memory, all with the same parameters.
class DrawRowTensors {
 public:
  DrawRowTensors(Backend& backend, const SamplingParams& params, std::int64_t batch)
      : params_(backend, {batch, static_cast<std::int64_t>(sizeof(RowSampling))}, DType::u8),
        sequences_(backend, {batch}, DType::i64),
        steps_(backend, {batch}, DType::i32) {
    const std::vector<RowSampling> packed(static_cast<std::size_t>(batch), pack(params));
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(batch));
    std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
    backend.upload(std::as_bytes(std::span(packed)), params_);
    backend.upload(std::as_bytes(std::span(numbers)), sequences_);
  }
  DrawRows rows() const {
    return {.seed = 7, .params = params_, .sequences = sequences_, .steps = steps_};
  }

 private:
  Tensor params_, sequences_, steps_;
};

}  // namespace cadenza::bench
