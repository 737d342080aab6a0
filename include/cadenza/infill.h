// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cadenza/infiller.h"
#include "cadenza/sampling.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// A piece on a grid with places to fill in. Places are those of its tokens.
struct GridBlank {
  Sequence sequence;       ///< what stands at open places does not count
  std::vector<bool> open;  ///< the places to fill in
  std::vector<bool>
      no_hold;             ///< the open ones at which `hold` would go on with a note that is kept
  std::int32_t hold = -1;  ///< of the grid; -1: none
};

/// Steps [begin, end) of some voices of a grid.
struct GridRegion {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::vector<bool> voices;
};

/// Opens a region of a piece over the vocabulary of `tokenizer` so that everything that sounds
/// outside of it, too, stays as it is: notes that reach into the region are kept whole, as are a
/// note or silence that goes on behind it. ArgumentError if the tokenizer has no grid, the region
/// is empty, leaves the piece or has no voice, or nothing in it is left to open.
GridBlank open_region(const Tokenizer& tokenizer, const Sequence& piece, const GridRegion& region);

struct InfillRequest {
  std::int64_t sweeps = 30;  ///< how often each open place is drawn
  /// Places of one voice that are drawn at once lie so many steps apart. 1: whole voices at once;
  /// more than the steps of a piece: one place after the other, which is Gibbs sampling itself.
  std::int64_t spacing = 8;
  SamplingParams sampling;         ///< of the last sweep
  double start_temperature = 1.0;  ///< of the first; in between its logarithm goes evenly
  std::uint64_t seed = 0;
  std::int64_t first_sequence = 0;  ///< number of the first piece; noise depends on the number
  std::int64_t batch_size = 16;     ///< pieces computed together
};

/// Fills in every blank by pseudo-Gibbs sampling (Heckerman et al. 2000; as DeepBach, Hadjeres et
/// al. 2017): open places start hidden; in every sweep each is drawn anew from what the model says
/// of it given the rest, in an order of groups of places that (seed, sweep, spacing) decide. All
/// other tokens stay. Result k of a seed is the same in whatever batch. ArgumentError for settings
/// out of range or a piece that is not the model's. `progress(done, total)` counts sweeps of
/// pieces.
std::vector<Sequence> infill(Infiller& model, std::span<const GridBlank> blanks,
                             const InfillRequest& request,
                             const std::function<void(std::int64_t, std::int64_t)>& progress = {});

/// The log probability of what stands at the open places of each blank given the rest, one place
/// after the other in an order of its own for each blank that (seed, number of the blank) decide. A
/// model that has learned with hidden tokens (word_dropout) tells of all orders alike.
std::vector<double> fill_likelihoods(Infiller& model, std::span<const GridBlank> blanks,
                                     std::uint64_t seed, std::int64_t batch_size = 64);

}  // namespace cadenza
