// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "cadenza/vae.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {

/// What a model of whole pieces reads of a MIDI file.
struct Opening {
  Sequence piece;
  std::size_t bars = 0;
};

/// --bars: how much is read of a file.
void add_opening_option(Arguments& arguments, int& bars);
/// UsageError if that is no number of bars.
void check_bars(int bars);
/// --fit: how far the codes of what was read may move, FitRequest::updates.
void add_fit_option(Arguments& arguments, int& updates);
/// UsageError if that is no number of updates.
void check_fit(int updates);
/// `bars` bars from the first that sounds, or, for 0, as many as the pieces that the model was
/// trained on, or else as many as it takes. ArgumentError names the file if that is none, or more
/// than it takes.
Opening read_opening(const std::string& path, const LoadedVae& loaded, int bars);

}  // namespace cadenza::tools
