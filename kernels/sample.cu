// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/sample.h"
#include "kernels/sample_filter.cuh"
#include "kernels/sample_winner.cuh"

namespace cadenza::kernels {
namespace {

constexpr unsigned kLaneThreads = 128;                    // of a block whose warps draw rows
[[maybe_unused]] constexpr unsigned kResidentBlocks = 6;  // of kLaneThreads on an SM, for nvcc
constexpr unsigned kBlockThreads = 384;                   // of a block that draws a row
constexpr std::int32_t kWarpVocabulary = 1024;            // rows of a warp
constexpr std::int32_t kSharedVocabulary = 8192;          // 12 bytes each: as far as all devices go
constexpr std::int64_t kWorkspaceLimit = std::int64_t{256} << 20;
constexpr std::int64_t kWorkspaceBlocks = 132;
constexpr std::int64_t kManyRows = 4096;  // a warp each fills the SMs of an H100

/// Elements of a row in memory: whole quads, rows 128 bytes apart.
__host__ __device__ constexpr std::int64_t padded(std::int64_t vocabulary) {
  return (vocabulary + 31) / 32 * 32;
}

template <typename T>
__device__ void store(T* to, std::int64_t row, T value) {
  if (to != nullptr) to[row] = value;
}

__device__ inline bool has_filter(const RowSampling& params) {
  return params.greedy == 0 &&
         (params.top_k > 0 || params.top_p != 0 || params.has_min_p != 0 || params.typical_p != 0);
}

/// One row, by all threads of the group. Groups that keep step take only rows without filters.
template <typename Group>
__device__ SampleResult draw_row(Row<Group>& row, const SampleTokens& args) {
  Group& group = row.group();
  group.sync();  // all are done with what was in the memory before
  SampleResult result;
  result.status = row.process();
  const bool greedy = row.params().greedy != 0;
  const bool draws = !greedy && row.maximum() > -kInfinity;
  const bool filtered = has_filter(row.params());
  if (row.maximum() == -kInfinity) result.status |= kSampleAllMasked;
  const bool wants_raw = args.raw_log_probability != nullptr;
  std::uint64_t raw_total = 0;  // mass of the logits as given, where it is known
  if constexpr (Group::kIsAlone) {
    if (draws && filtered) {
      if (wants_raw && row.plain()) raw_total = row.mass(false).total;
      Filter<Group>(row).apply();
    }
  }
  if (group.some(greedy)) {
    const std::int32_t first = row.first_maximum();
    if (greedy && row.maximum() > -kInfinity) result.token = first;
  }
  if (group.some(draws)) {
    const std::int32_t winner = row.winner();
    if (draws) result.token = winner;
  }
  const bool wants_entropy = args.entropy != nullptr;
  const bool shares_mass = wants_raw && draws && !filtered && row.plain();
  if (!wants_raw && !wants_entropy && args.log_probability == nullptr) return result;
  group.sync();  // the token's x was stored by another thread
  const float d = exact_add(row.memory().x[result.token], -row.maximum());
  if (group.some(shares_mass || (draws && (wants_entropy || args.log_probability != nullptr)))) {
    const Mass mass = row.mass(wants_entropy);
    if (shares_mass) raw_total = mass.total;
    if (draws) result.log_probability = draw::log_probability(d, mass.total);
    if (draws && wants_entropy) result.entropy = draw::entropy(mass.surprise, mass.total);
  }
  if (!wants_raw) return result;
  if (group.some(raw_total == 0)) {
    result.raw_log_probability = row.raw_log_probability(result.token);
  }
  if (raw_total != 0) result.raw_log_probability = draw::log_probability(d, raw_total);
  return result;
}

__device__ void store_result(const SampleTokens& args, std::int64_t row,
                             const SampleResult& result) {
  store(args.tokens, row, result.token);
  store(args.log_probability, row, result.log_probability);
  store(args.raw_log_probability, row, result.raw_log_probability);
  store(args.entropy, row, result.entropy);
  store(args.status, row, static_cast<std::int32_t>(result.status));
}

// Mapping: a warp per 32 / kLanes rows, in a grid-stride loop; a lane <-> quads of tokens. Rows
// without filters side by side, kLanes lanes each; if one has some, the warp does them in turn.
// Memory: 12 V bytes of dynamic shared memory a row; the logits are read once.
// Numerics: docs/sampling.md, bit for bit; noise pruned by bounds (kernels/noise_floor.h).
// Limits: V <= kWarpVocabulary; any batch and stride.
template <unsigned kLanes>
__global__ void __launch_bounds__(kLaneThreads, kResidentBlocks)
    sample_lanes_kernel(SampleTokens args, PhiloxKeys keys) {
  constexpr unsigned kRows = kWarpSize / kLanes;
  constexpr unsigned kWarps = kLaneThreads / kWarpSize;
  const std::int64_t width = padded(args.vocabulary);
  const std::int64_t warp = threadIdx.x / kWarpSize;
  DynamicShared shared;
  const RowMemory memory = {
      shared.take<float>(kWarps * kRows * width) + warp * kRows * width,
      shared.take<std::uint32_t>(kWarps * kRows * width) + warp * kRows * width,
      shared.take<std::uint32_t>(kWarps * kRows * width) + warp * kRows * width};
  const std::int64_t stride = std::int64_t{gridDim.x} * kWarps * kRows;
  std::int64_t first = (blockIdx.x * std::int64_t{kWarps} + warp) * kRows;
  for (; first < args.batch; first += stride) {
    if constexpr (kRows > 1) {
      const std::int64_t mine = threadIdx.x % kWarpSize / kLanes;
      const bool exists = first + mine < args.batch;
      const std::int64_t index = exists ? first + mine : first;
      if (__any_sync(kFullMask, has_filter(args.rows.params[index]) ? 1 : 0) == 0) {
        LaneGroup<kLanes> group;
        const std::int64_t at = mine * width;
        Row<LaneGroup<kLanes>> row(group, args, keys,
                                   {memory.x + at, memory.high + at, memory.low + at}, index);
        const SampleResult result = draw_row(row, args);
        if (exists && group.rank() == 0) store_result(args, index, result);
        continue;
      }
    }
    WarpGroup group;
    for (std::int64_t index = first; index < first + kRows && index < args.batch; ++index) {
      Row<WarpGroup> row(group, args, keys, memory, index);
      const SampleResult result = draw_row(row, args);
      if (group.rank() == 0) store_result(args, index, result);
    }
  }
}

// Mapping: a block per row, rows in a grid-stride loop; a thread <-> quads of tokens.
// Memory: 12 V bytes a row, of dynamic shared memory or, if there is one, of the workspace.
// Numerics: docs/sampling.md, bit for bit; noise pruned by bounds (kernels/noise_floor.h).
// Limits: V <= kMaxSampleVocabulary; any batch and stride.
__global__ void __launch_bounds__(kBlockThreads, 2)
    sample_block_kernel(SampleTokens args, PhiloxKeys keys) {
  CADENZA_SHARED(parts, BlockGroup::Parts);
  const std::int64_t width = padded(args.vocabulary);
  const bool is_global = args.workspace != nullptr;
  const std::size_t taken = is_global ? 0 : static_cast<std::size_t>(width);
  DynamicShared shared;
  RowMemory memory = {shared.take<float>(taken), shared.take<std::uint32_t>(taken),
                      shared.take<std::uint32_t>(taken)};
  if (is_global) {
    float* x = static_cast<float*>(args.workspace) + blockIdx.x * 3 * width;
    auto* words = reinterpret_cast<std::uint32_t*>(x);
    memory = {x, words + width, words + 2 * width};
  }
  BlockGroup group(parts);
  for (std::int64_t row = blockIdx.x; row < args.batch; row += gridDim.x) {
    Row<BlockGroup> drawn(group, args, keys, memory, row);
    const SampleResult result = draw_row(drawn, args);
    if (group.rank() == 0) store_result(args, row, result);
  }
}

std::int64_t row_bytes(std::int32_t vocabulary) {
  return padded(vocabulary) * static_cast<std::int64_t>(sizeof(float) + 2 * sizeof(std::uint32_t));
}

/// Rows that are worked on in global memory at a time.
std::int64_t workspace_rows(std::int64_t batch, std::int32_t vocabulary) {
  if (vocabulary <= kSharedVocabulary) return 0;
  const std::int64_t fitting = std::max<std::int64_t>(kWorkspaceLimit / row_bytes(vocabulary), 1);
  return std::min({batch, fitting, kWorkspaceBlocks});
}

std::size_t shared_bytes(std::int32_t vocabulary, unsigned rows) {
  const auto count = rows * static_cast<std::size_t>(padded(vocabulary));
  return SharedBytes()
      .add<float>(count)
      .add<std::uint32_t>(count)
      .add<std::uint32_t>(count)
      .bytes();
}

template <unsigned kLanes>
void launch_lanes(const SampleTokens& args, cudaStream_t stream) {
  constexpr std::int64_t kRows = kLaneThreads / kLanes;
  // As much shared memory for a block as rows of a warp need.
  constexpr std::int32_t kWidest = kWarpVocabulary / kWarpSize * static_cast<int>(kLanes);
  check(args.vocabulary <= kWidest, "sample_tokens: V is ", args.vocabulary, ", expected at most ",
        kWidest, " with ", kLanes, " threads a row");
  launch({.kernel = "sample_tokens",
          .shape = {args.batch, args.vocabulary},
          .grid = dim3(blocks_for(args.batch, kRows, kManyBlocks)),
          .block = dim3(kLaneThreads),
          .shared_bytes = shared_bytes(args.vocabulary, kRows),
          .stream = stream},
         sample_lanes_kernel<kLanes>, args, philox_keys(args.rows.seed));
}

void launch_block(const SampleTokens& args, cudaStream_t stream) {
  const bool is_global = args.vocabulary > kSharedVocabulary;
  const std::int64_t blocks =
      is_global ? workspace_rows(args.batch, args.vocabulary) : std::min(args.batch, kManyBlocks);
  launch({.kernel = "sample_tokens",
          .shape = {args.batch, args.vocabulary},
          .grid = dim3(static_cast<unsigned>(blocks)),
          .block = dim3(kBlockThreads),
          .shared_bytes = is_global ? 0 : shared_bytes(args.vocabulary, 1),
          .stream = stream},
         sample_block_kernel, args, philox_keys(args.rows.seed));
}

/// Many narrow rows: several to a warp, which shares what each costs beside its tokens. Few rows:
/// a warp each, which is done sooner.
RowThreads row_threads_of(const SampleTokens& args) {
  if (args.row_threads != RowThreads::automatic) return args.row_threads;
  if (args.vocabulary > kWarpVocabulary) return RowThreads::block;
  const bool many = args.batch >= kManyRows;
  if (many && args.vocabulary <= kWarpVocabulary / 8) return RowThreads::lanes8;
  if (many && args.vocabulary <= kWarpVocabulary / 4) return RowThreads::lanes16;
  return RowThreads::warp;
}

}  // namespace

std::size_t sample_workspace_bytes(std::int64_t batch, std::int32_t vocabulary) {
  return static_cast<std::size_t>(workspace_rows(batch, vocabulary) * row_bytes(vocabulary));
}

void sample_tokens(const SampleTokens& args, cudaStream_t stream) {
  switch (row_threads_of(args)) {
    case RowThreads::lanes8:
      return launch_lanes<8>(args, stream);
    case RowThreads::lanes16:
      return launch_lanes<16>(args, stream);
    case RowThreads::warp:
      return launch_lanes<32>(args, stream);
    default:
      return launch_block(args, stream);
  }
}

}  // namespace cadenza::kernels
