// SPDX-License-Identifier: Apache-2.0
#include "nn/token_draws.h"

#include <numeric>
#include <vector>

namespace cadenza {

TokenDraws::TokenDraws(Tape& tape, const SamplingParams& sampling, const Rows& rows)
    : tape_(tape),
      rows_(rows),
      params_(tape.allocate({rows.count, sizeof(RowSampling)}, DType::u8)),
      sequences_(tape.allocate({rows.count}, DType::i64)),
      status_(tape.allocate({rows.count}, DType::i32)) {
  const std::vector<RowSampling> params(static_cast<std::size_t>(rows.count), pack(sampling));
  tape.backend().upload(std::as_bytes(std::span(params)), params_);
  std::vector<std::int64_t> numbers(params.size());
  std::iota(numbers.begin(), numbers.end(), rows.first);
  tape.backend().upload(std::as_bytes(std::span(numbers)), sequences_);
}

void TokenDraws::draw(SampleTokensArgs what, std::int64_t step) {
  const std::vector<std::int32_t> steps(static_cast<std::size_t>(rows_.count),
                                        static_cast<std::int32_t>(step));
  what.rows = {.seed = rows_.seed,
               .params = params_,
               .sequences = sequences_,
               .steps = tape_.upload(std::span(steps), {rows_.count})};
  what.status = status_;
  tape_.backend().sample_tokens(what);
}

}  // namespace cadenza
