// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/prepare/corpus.h"

namespace cadenza::tools {

/// Puts the pieces of every file that the data file `data` knows by name into the split where that
/// has them, so that what one model has not seen another has not seen either, however their data
/// were cut. Files that bring their own splits, or are not known, stay as they are. UsageError if
/// none is known, or if names do not tell the split.
void follow_splits(Corpus& corpus, const std::string& data);

}  // namespace cadenza::tools
