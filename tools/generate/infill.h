// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/infill.h"
#include "cadenza/resample.h"
#include "cadenza/score.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/common/model_options.h"
#include "tools/generate/condition_options.h"
#include "tools/generate/products.h"

namespace cadenza::tools {

struct InfillOptions {
  ModelOptions model;
  ComputeOptions compute;
  std::string input;
  std::string track;
  std::string bars;
  std::string voices;
  std::string keep;
  int length = 0;
  InfillRequest grid;
  ResampleRequest resampling;
  ConditionOptions conditions;
  std::int64_t num_outputs = 1;
  std::int64_t first_sequence = 0;
  std::uint64_t seed = 0;
  std::int64_t batch_size = 0;
  SamplingParams sampling;
  double qpm = 120.0;
  std::string output;
  PieceFormats formats;
  bool json = false;
};

/// The music to fill in, and where.
struct InfillInput {
  Score whole;
  Score subject;           ///< the tracks of it that are looked at
  std::int64_t begin = 0;  ///< ticks
  std::int64_t end = 0;
  /// The whole music with the tracks of `filled` in place of the subject's, and what it has more.
  Score joined(const Score& filled) const;
};
/// FileError, FormatError, or ArgumentError that names the file if it has no such track or bars.
InfillInput read_infill_input(const InfillOptions& options);

/// What filling in took and gave.
struct InfillWork {
  std::string method;
  double seconds = 0.0;
  std::int64_t places = 0;             ///< drawn in each output, of a grid
  std::vector<double> effective = {};  ///< candidates that counted for each output
  std::size_t unfinished = 0;          ///< outputs none of whose candidates came to the end
};
/// Writes the outputs and says what was done.
void finish_infill(const std::vector<Score>& scores, const InfillWork& work,
                   const InfillOptions& options, std::string_view backend);

/// `cadenza infill` with a model of train --model infiller.
void infill_grid(const Arguments& parser, const InfillOptions& options);
/// The same with a language model. UsageError for an option of `parser` that has no meaning there.
void infill_by_resampling(const Arguments& parser, const InfillOptions& options);

}  // namespace cadenza::tools
