// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "cadenza/error.h"
#include "cadenza/metrics.h"
#include "cadenza/vae.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/generate/label_choice.h"
#include "tools/generate/song.h"
#include "tools/generate/transform.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

void check_given(const Arguments& parser, const TransformOptions& options) {
  parser.refuse({"--num-steps", "--target-only", "--repetition-penalty", "--frequency-penalty",
                 "--presence-penalty"},
                "does not apply to a model that decodes whole pieces");
  if (options.request.beam > 1) {
    throw UsageError("--beam above 1 does not apply to a model that decodes whole pieces");
  }
}

/// How music in a style is written down.
struct Style {
  std::int32_t label = 0;
  TimeSignature metre;
};

Style find_style(const LoadedVae& loaded, const TransformOptions& options) {
  const VaeFileInfo& info = loaded.info;
  check(!info.labels.empty(), options.model,
        ": was not told of styles; train --model vae --condition label tells them");
  Style style = {.label = choose_label("--to-style", options.to_style, info.labels)};
  if (!info.music.metres.empty()) {
    style.metre = info.music.metres[static_cast<std::size_t>(style.label)];
  }
  return style;
}

/// Every part of every version of every input, in this order.
std::vector<Sequence> restyle(Vae& model, const std::vector<TransformInput>& inputs,
                              const TransformOptions& options, std::int32_t label) {
  std::vector<Code> codes;
  for (const TransformInput& input : inputs) {
    const std::vector<Code> of_input = encode(model, input.parts);
    for (std::int64_t version = 0; version < options.num_outputs; ++version) {
      codes.insert(codes.end(), of_input.begin(), of_input.end());
    }
  }
  const TransformRequest& request = options.request;
  SamplingParams sampling = request.sampling;
  if (request.beam == 1) sampling = {.temperature = 0.0};
  return decode(model, codes,
                {.labels = std::vector<std::int32_t>(codes.size(), label),
                 .sampling = sampling,
                 .seed = request.seed,
                 .first_sequence = request.first_sequence,
                 .batch_size = request.batch_size});
}

/// The parts along bars in the metre of the style; tempo and key as the input begins with.
Score assemble(const TransformInput& input, std::span<const Sequence> parts,
               const LoadedVae& loaded, const TimeSignature& metre) {
  const Score& source = input.score;
  Score frame = {.ticks_per_quarter = source.ticks_per_quarter, .time_signatures = {metre}};
  if (!source.tempos.empty()) frame.tempos = {source.tempos.front()};
  if (!source.key_signatures.empty()) frame.key_signatures = {source.key_signatures.front()};
  const auto bar_ticks = [&](const Score& score) {
    return std::int64_t{4} * score.ticks_per_quarter * metre.numerator / metre.denominator;
  };
  Song song(frame);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Score part = loaded.tokenizer->decode(parts[i]);
    // What a part has beyond its bars would sound with the next.
    if (loaded.info.music.bars > 0) part = cut(part, 0, loaded.info.music.bars * bar_ticks(part));
    song.add("target", part, static_cast<std::int64_t>(input.bars[i]) * bar_ticks(frame));
  }
  return song.finish();
}

/// How much the outputs keep of their inputs, and seem to keep of others.
struct Likeness {
  std::size_t others = 0;  ///< inputs besides its own that each output is compared with
  double own = 0.0;
  double other = 0.0;    ///< NaN without others, as the next
  double nearest = 0.0;  ///< share of outputs that are more like their own input than any other
};

Likeness compare(const std::vector<TransformInput>& inputs, const std::vector<Score>& outputs) {
  constexpr std::size_t kOthers = 32;
  const std::size_t versions = outputs.size() / inputs.size();
  Likeness mean = {.others = std::min(kOthers, inputs.size() - 1)};
  const auto share = 1.0 / static_cast<double>(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::size_t own = i / versions;
    const double likeness = chroma_similarity(inputs[own].score, outputs[i]);
    double sum = 0.0;
    bool nearest = true;
    for (std::size_t k = 1; k <= mean.others; ++k) {
      const double other = chroma_similarity(inputs[(own + k) % inputs.size()].score, outputs[i]);
      sum += other;
      nearest = nearest && likeness > other;
    }
    mean.own += share * likeness;
    mean.other += share * sum / static_cast<double>(mean.others);  // NaN without others
    if (nearest) mean.nearest += share;
  }
  if (mean.others == 0) mean.nearest = std::nan("");
  return mean;
}

void report(const Products& products, const Likeness& likeness, std::size_t parts,
            const TransformOptions& options, std::string_view backend) {
  if (options.json) {
    print_json({{"files", products.files},
                {"pictures", products.pictures},
                {"audio", products.audio},
                {"style", options.to_style},
                {"parts", parts},
                {"notes", products.notes},
                {"similarity", likeness.own},
                {"others", likeness.others},
                {"similarity_to_others", likeness.other},
                {"nearest_to_own", likeness.nearest},
                {"backend", backend}});
    return;
  }
  std::cout << "transformed: " << parts << " parts to " << options.to_style << " (" << backend
            << ")\nsimilarity : " << fixed_text(likeness.own, 3)
            << " in pitch classes to what they were";
  if (likeness.others > 0) {
    std::cout << ", " << fixed_text(likeness.other, 3) << " to " << likeness.others
              << " other inputs; " << fixed_text(100.0 * likeness.nearest, 1)
              << " % are more like their own than any of these";
  }
  std::cout << '\n';
  products.report();
}

}  // namespace

void transform_style(const Arguments& parser, const TransformOptions& options) {
  check_given(parser, options);
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedVae loaded = load_vae(options.model, *backend);
  const Style style = find_style(loaded, options);
  const std::vector<TransformInput> inputs =
      read_inputs(options.inputs, {.tokenizer = *loaded.tokenizer,
                                   .bars = loaded.info.music.bars,
                                   .most = loaded.info.config.steps});
  make_folder(options.output);
  const std::vector<Sequence> parts = restyle(*loaded.model, inputs, options, style.label);

  Products products;
  std::vector<Score> outputs;
  std::span<const Sequence> rest(parts);
  for (const TransformInput& input : inputs) {
    for (std::int64_t version = 0; version < options.num_outputs; ++version) {
      outputs.push_back(assemble(input, rest.first(input.parts.size()), loaded, style.metre));
      products.write(outputs.back(),
                     fs::path(options.output) / version_name(input, version, options),
                     options.formats);
      rest = rest.subspan(input.parts.size());
    }
  }
  explain_decisions(options.compute, *backend);
  report(products, compare(inputs, outputs), parts.size(), options, backend->name());
}

}  // namespace cadenza::tools
