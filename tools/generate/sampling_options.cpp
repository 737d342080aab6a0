// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/sampling_options.h"

namespace cadenza::tools {

void add_sampling_options(Arguments& arguments, SamplingParams& sampling) {
  arguments.heading("Drawing");
  arguments.add("--temperature", sampling.temperature, "below 1 safer, above 1 wilder; 0: greedy");
  arguments.add("--top-k", sampling.top_k, "draw among the k likeliest only; 0: off");
  arguments.add("--top-p", sampling.top_p, "draw among the likeliest with this mass; 1: off");
  arguments.add("--min-p", sampling.min_p,
                "drop what is this much less likely than the best; 0: off");
  arguments.add("--typical", sampling.typical_p,
                "draw among the most typical with this mass; 1: off");
  arguments.add("--repetition-penalty", sampling.repetition_penalty,
                "above 1: repeat less; 1: off");
  arguments.add("--frequency-penalty", sampling.frequency_penalty,
                "subtracted for each recent occurrence");
  arguments.add("--presence-penalty", sampling.presence_penalty,
                "subtracted if it occurred recently");
}

}  // namespace cadenza::tools
