// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/sampling.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {

/// How tokens are drawn: --temperature, --top-k, ..., under a heading of their own.
void add_sampling_options(Arguments& arguments, SamplingParams& sampling);

}  // namespace cadenza::tools
