// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "cadenza/metrics.h"
#include "music/pitch_classes.h"
#include "music/sounding_notes.h"

namespace cadenza {
namespace {

using Chroma = std::array<double, kPitchClasses>;

/// How long each pitch class sounds in every half bar from the first to the last note.
std::vector<Chroma> half_bars(const Score& score) {
  std::vector<double> edges;
  const std::vector<std::int64_t> lines = bar_lines(score, 1);
  for (std::size_t bar = 0; bar + 1 < lines.size(); ++bar) {
    const auto begin = static_cast<double>(lines[bar]);
    edges.insert(edges.end(), {begin, (begin + static_cast<double>(lines[bar + 1])) / 2});
  }
  edges.push_back(static_cast<double>(lines.back()));
  std::vector<Chroma> chroma(edges.size() - 1);
  for (const Note& note : sounding_notes(score)) {
    const auto start = static_cast<double>(note.start);
    const auto end = static_cast<double>(note.end);
    const auto first = std::upper_bound(edges.begin(), edges.end(), start) - edges.begin() - 1;
    for (auto i = static_cast<std::size_t>(first); i < chroma.size() && edges[i] < end; ++i) {
      chroma[i][note.pitch % kPitchClasses] +=
          std::min(end, edges[i + 1]) - std::max(start, edges[i]);
    }
  }
  return chroma;
}

double length(const Chroma& x) {
  return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
}

}  // namespace

double chroma_similarity(const Score& a, const Score& b) {
  std::vector<Chroma> of_a = half_bars(a);
  std::vector<Chroma> of_b = half_bars(b);
  of_a.resize(std::max(of_a.size(), of_b.size()));
  of_b.resize(of_a.size());
  double sum = 0.0;
  int count = 0;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    const double lengths[] = {length(of_a[i]), length(of_b[i])};
    if (lengths[0] == 0.0 && lengths[1] == 0.0) continue;
    ++count;
    if (lengths[0] == 0.0 || lengths[1] == 0.0) continue;
    const double product = std::inner_product(of_a[i].begin(), of_a[i].end(), of_b[i].begin(), 0.0);
    sum += product / (lengths[0] * lengths[1]);
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count;
}

}  // namespace cadenza
