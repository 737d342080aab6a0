// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "cadenza/generator.h"
#include "generate/primed_state.h"

namespace cadenza {

/// Some rows of a request on their way through all steps.
class RowBatch {
 public:
  /// Steps computed between two reports of progress and two looks at whether every row has ended.
  static constexpr std::int64_t kChunk = 64;

  /// Rows [first_row, first_row + rows) of the request.
  RowBatch(const LanguageModel& model, const GenerationNetwork& network,
           const GenerationRequest& request, const PrimedState& primed, std::int64_t first_row,
           std::int64_t rows, std::optional<std::int32_t> end_token);
  /// Generates everything; `report(steps)` after each chunk with the steps done in it.
  std::vector<Generated> run(const std::function<void(std::int64_t)>& report);

 private:
  void set_params();
  void set_input();
  void set_bias();
  void set_allowed();
  void set_window();
  bool all_finished() const;
  void generate(std::int64_t count);
  void collect_tokens(const std::vector<std::int32_t>& tokens, const std::vector<float>& log_p);
  void collect_frames(const std::vector<float>& keys, const std::vector<float>& log_p);

  const LanguageModel& model_;
  Backend& backend_;
  const GenerationRequest& request_;
  std::int64_t first_row_;
  std::int64_t rows_;
  bool tokens_;
  GenerationNetwork network_;
  RowStates states_;
  std::int64_t position_;  ///< steps read
  Tensor params_;
  Tensor sequences_;
  Tensor steps_;
  Tensor finished_;
  Tensor input_;
  Tensor bias_;
  Tensor allowed_;
  Tensor window_;
  std::int32_t end_token_;
  std::vector<Generated> results_;
};

}  // namespace cadenza
