// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cadenza/score.h"
#include "cadenza/tokenizer.h"
#include "cadenza/transform.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/generate/products.h"

namespace cadenza::tools {

struct TransformOptions {
  std::string model;
  ComputeOptions compute;
  std::vector<std::string> inputs;
  std::string output;
  std::string to_style;
  TransformRequest request;
  std::int64_t num_outputs = 1;
  bool target_only = false;
  PieceFormats formats;
  bool json = false;
};

/// A file to transform: parts of some bars, as the model reads them.
struct TransformInput {
  std::string name;                  ///< without folder and suffix
  Score score;                       ///< of the track that is read
  std::vector<std::int64_t> starts;  ///< of the parts, in ticks
  std::vector<std::size_t> bars;     ///< the number of the first bar of each, from 0
  std::vector<Sequence> parts;
};

/// How files become parts.
struct PartReader {
  const Tokenizer& tokenizer;
  std::string track = {};  ///< only this; "": all
  int bars = 0;            ///< of a part; 0: all
  std::int64_t most = 0;   ///< tokens of a part; 0: any number
};
/// ArgumentError names the file that holds nothing to transform or a part with too many tokens, or
/// two that would have outputs of the same name.
std::vector<TransformInput> read_inputs(const std::vector<std::string>& inputs,
                                        const PartReader& reader);

/// What the output of this version of an input is called.
std::string version_name(const TransformInput& input, std::int64_t version,
                         const TransformOptions& options);

/// `cadenza transform` with a model that has learned from pairs.
void transform_pairs(const Arguments& parser, const TransformOptions& options);
/// The same with an autoencoder that is told the style: codes of the parts in another style.
void transform_style(const Arguments& parser, const TransformOptions& options);

}  // namespace cadenza::tools
