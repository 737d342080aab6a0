// SPDX-License-Identifier: Apache-2.0
// Step 5 of docs/sampling.md without sorting. Each filter keeps a prefix of an order: the tokens
// before which there is less than a limit, in number or in mass. The key of the last one kept is
// found by bisection between keys that occur; among equal keys the next criterion of the order
// decides in the same way, and last the id.
#pragma once

#include "kernels/sample_row.cuh"

namespace cadenza::kernels {

enum class Measure { count, mass };

/// The last key that stays, and what comes strictly before it.
struct Cut {
  float key;
  std::uint64_t before;
};

/// A float in [low, high): the mean, or the middle of the floats, which halves the interval
/// whatever the values are.
__device__ inline float between(float low, float high, bool by_value) {
  const float mean = exact_add(exact_mul(low, 0.5F), exact_mul(high, 0.5F));
  if (by_value && low <= mean && mean < high) return mean;
  const std::uint32_t a = ordered(low);
  const std::uint32_t b = ordered(high);
  return from_ordered((a & b) + ((a ^ b) >> 1));
}

template <typename Group>
class Filter {
 public:
  __device__ explicit Filter(Row<Group>& row) : row_(row) {}

  /// Drops what the filters of the row's parameters do not keep.
  __device__ void apply();

 private:
  __device__ void keep_typical();
  template <Measure kMeasure>
  __device__ void keep_by_rank(std::uint64_t limit);
  template <Measure kMeasure, typename Key>
  __device__ Cut find_cut(const Key& key, Cut start, std::uint64_t limit);
  template <Measure kMeasure, typename Tied>
  __device__ float last_id(const Tied& tied, std::uint64_t before, std::uint64_t limit);

  Row<Group>& row_;
};

/// Keys in descending order, -inf: none; all of them together measure at least `limit`, what is
/// above start.key measures start.before < limit.
template <typename Group>
template <Measure kMeasure, typename Key>
__device__ Cut Filter<Group>::find_cut(const Key& key, Cut start, std::uint64_t limit) {
  constexpr float kProbe = 32.0F;  // nearly always below the cut, as weights 28 down are 0
  constexpr int kSteps = 12;       // by value; then by bits, which ends after 32 more
  const RowMemory& memory = row_.memory();
  Cut cut = start;
  float low = -kInfinity;  // the cut is in [low, cut.key]
  float pivot = exact_add(cut.key, -kProbe);
  for (int step = 0; low < cut.key; ++step) {
    float next_above = kInfinity;
    float next_below = -kInfinity;
    std::uint64_t above = 0;
    row_.for_quads([&](int i, const Quad& x) {
      std::uint32_t count = 0;
      std::uint32_t high = 0;
      std::uint32_t low_part = 0;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const float k = key(x.value[j], i + j);
        const bool is_above = k > pivot;
        next_above = fminf(next_above, is_above ? k : kInfinity);
        next_below = fmaxf(next_below, is_above ? -kInfinity : k);
        if constexpr (kMeasure == Measure::count) {
          count += is_above ? 1 : 0;
        } else if (is_above) {
          high += memory.high[i + j];
          low_part += memory.low[i + j];
        }
      }
      above += kMeasure == Measure::count ? count : (std::uint64_t{high} << kPartBits) + low_part;
    });
    above = start.before + row_.group().sum(above);
    if (above < limit) {
      cut = {from_ordered(row_.group().max(ordered(next_below))), above};
    } else {
      low = from_ordered(row_.group().min(ordered(next_above)));
    }
    pivot = between(low, cut.key, step < kSteps);
  }
  return cut;
}

/// Of equal tokens the first few stay: minus the last id of those.
template <typename Group>
template <Measure kMeasure, typename Tied>
__device__ float Filter<Group>::last_id(const Tied& tied, std::uint64_t before,
                                        std::uint64_t limit) {
  if (row_.count(tied) == 1) return -kInfinity;
  const auto by_id = [&](float x, int token) {
    return tied(x, token) ? -static_cast<float>(token) : -kInfinity;
  };
  return find_cut<kMeasure>(by_id, {0.0F, before}, limit).key;
}

template <typename Group>
template <Measure kMeasure>
__device__ void Filter<Group>::keep_by_rank(std::uint64_t limit) {
  const Cut cut = find_cut<kMeasure>([](float x, int) { return x; }, {row_.maximum(), 0}, limit);
  const float last =
      last_id<kMeasure>([&](float x, int) { return x == cut.key; }, cut.before, limit);
  row_.drop_unless([&](float x, int token) {
    return x > cut.key || (x == cut.key && -static_cast<float>(token) >= last);
  });
}

template <typename Group>
__device__ void Filter<Group>::keep_typical() {
  const Mass mass = row_.mass(true);
  const float mean = draw::mean_surprise(mass.surprise, mass.total);
  const std::uint64_t limit = draw::mass_limit(row_.params().typical_p, mass.total);
  const float maximum = row_.maximum();
  const auto order = [=](float x, int) {
    return x > -kInfinity ? -draw::atypicality(exact_add(x, -maximum), mean) : -kInfinity;
  };
  const Cut cut = find_cut<Measure::mass>(order, {0.0F, 0}, limit);
  Cut among = {-kInfinity, cut.before};
  const auto tied = [&](float x, int token) { return order(x, token) == cut.key; };
  if (row_.count(tied) > 1) {
    const auto by_x = [&](float x, int token) { return tied(x, token) ? x : -kInfinity; };
    among = find_cut<Measure::mass>(by_x, {maximum, cut.before}, limit);
  }
  const auto equal = [&](float x, int token) { return tied(x, token) && x == among.key; };
  const float last = last_id<Measure::mass>(equal, among.before, limit);
  row_.drop_unless([&](float x, int token) {
    const float place = order(x, token);
    if (place != cut.key) return place > cut.key;
    return x > among.key || (x == among.key && -static_cast<float>(token) >= last);
  });
}

template <typename Group>
__device__ void Filter<Group>::apply() {
  const RowSampling& params = row_.params();
  if (params.top_k > 0 && params.top_k < row_.size()) {
    const auto candidate = [](float x, int) { return x > -kInfinity; };
    const auto k = static_cast<std::uint32_t>(params.top_k);
    if (row_.count(candidate) > k) keep_by_rank<Measure::count>(k);
  }
  if (params.top_p != 0 || params.typical_p != 0) {
    const std::uint64_t total = row_.weigh();
    if (params.top_p != 0) keep_by_rank<Measure::mass>(draw::mass_limit(params.top_p, total));
  }
  if (params.has_min_p != 0) {
    const float lowest = exact_add(row_.maximum(), params.log_min_p);
    row_.drop_unless([=](float x, int) { return x >= lowest; });
  }
  if (params.typical_p != 0) keep_typical();
}

}  // namespace cadenza::kernels
