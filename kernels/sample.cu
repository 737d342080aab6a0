// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/sample.h"
#include "kernels/sample_filter.cuh"
#include "kernels/sample_winner.cuh"

namespace cadenza::kernels {
namespace {

constexpr unsigned kLaneThreads = 128;             // of a block whose warps draw rows
constexpr unsigned kResidentBlocks = 8;          // of kLaneThreads on an SM
constexpr unsigned kBlockThreads = 512;            // of a block that draws a row
constexpr std::int32_t kNarrowVocabulary = 32;     // rows of 8 lanes
constexpr std::int32_t kWarpVocabulary = 1024;     // rows of a warp
constexpr std::int32_t kSharedVocabulary = 18432;  // rows that fit the shared memory of an SM
constexpr std::int64_t kWorkspaceLimit = std::int64_t{256} << 20;
constexpr std::int64_t kWorkspaceBlocks = 132;
constexpr std::int64_t kMaxBlocks = 2048;

/// Elements of a row in memory: whole quads, rows 128 bytes apart.
__host__ __device__ constexpr std::int64_t padded(std::int64_t vocabulary) {
  return (vocabulary + 31) / 32 * 32;
}

template <typename T>
__device__ void store(T* to, std::int64_t row, T value) {
  if (to != nullptr) to[row] = value;
}

/// What sample_row() computes behind step 1 of a row with candidates.
struct Drawn {
  std::int32_t token = 0;
  float log_probability = 0.0F;
  float entropy = 0.0F;
  std::uint64_t raw_total = 0;  ///< mass of the logits as given, where it came for free
};

template <typename Group>
__device__ Drawn draw_candidates(Row<Group>& row, const SampleTokens& args) {
  const RowSampling& params = row.params();
  const bool filtered =
      params.top_k > 0 || params.top_p != 0 || params.has_min_p != 0 || params.typical_p != 0;
  Drawn drawn;
  if (filtered && args.raw_log_probability != nullptr && row.plain()) {
    drawn.raw_total = row.mass(false).total;
  }
  if (filtered) Filter<Group>(row).apply();
  drawn.token = row.winner();
  const bool entropy = args.entropy != nullptr;
  if (args.log_probability == nullptr && !entropy &&
      (args.raw_log_probability == nullptr || filtered || !row.plain())) {
    return drawn;
  }
  const Mass mass = row.mass(entropy);
  if (!filtered && row.plain()) drawn.raw_total = mass.total;
  row.group().sync();  // the token's x was stored by another thread
  const float d = exact_add(row.memory().x[drawn.token], -row.maximum());
  drawn.log_probability = draw::log_probability(d, mass.total);
  if (entropy) drawn.entropy = draw::entropy(mass.surprise, mass.total);
  return drawn;
}

template <typename Group>
__device__ void draw_row(Group& group, const SampleTokens& args, const RowMemory& memory,
                         std::int64_t index) {
  group.sync();  // all are done with the row before
  Row<Group> row(group, args, memory, index);
  std::uint32_t status = row.process();
  Drawn drawn;
  if (row.maximum() == -kInfinity) {
    status |= kSampleAllMasked;
  } else if (row.params().greedy != 0) {
    drawn.token = row.first_maximum();
  } else {
    drawn = draw_candidates(row, args);
  }
  float raw = 0.0F;
  if (args.raw_log_probability != nullptr) {
    if (drawn.raw_total != 0) {
      row.group().sync();
      raw =
          draw::log_probability(exact_add(memory.x[drawn.token], -row.maximum()), drawn.raw_total);
    } else {
      raw = row.raw_log_probability(drawn.token);
    }
  }
  if (group.rank() != 0) return;
  store(args.tokens, index, drawn.token);
  store(args.log_probability, index, drawn.log_probability);
  store(args.raw_log_probability, index, raw);
  store(args.entropy, index, drawn.entropy);
  store(args.status, index, static_cast<std::int32_t>(status));
}

// Mapping: kLanes lanes of a warp per row, rows in a grid-stride loop; a lane <-> quads of tokens.
// Memory: 12 V bytes of dynamic shared memory a row; the logits are read once.
// Numerics: docs/sampling.md, bit for bit; noise pruned by bounds (kernels/noise_floor.h).
// Limits: V <= kWarpVocabulary; any batch and stride.
template <unsigned kLanes>
__global__ void __launch_bounds__(kLaneThreads, kResidentBlocks) sample_lanes_kernel(SampleTokens args) {
  constexpr unsigned kRows = kLaneThreads / kLanes;
  const std::int64_t width = padded(args.vocabulary);
  DynamicShared shared;
  float* x = shared.take<float>(kRows * width);
  std::uint32_t* high = shared.take<std::uint32_t>(kRows * width);
  std::uint32_t* low = shared.take<std::uint32_t>(kRows * width);
  const std::int64_t mine = threadIdx.x / kLanes;
  const RowMemory memory = {x + mine * width, high + mine * width, low + mine * width};
  LaneGroup<kLanes> group;
  const std::int64_t stride = std::int64_t{gridDim.x} * kRows;
  for (std::int64_t row = blockIdx.x * std::int64_t{kRows} + mine; row < args.batch;
       row += stride) {
    draw_row(group, args, memory, row);
  }
}

// Mapping: a block per row, rows in a grid-stride loop; a thread <-> quads of tokens.
// Memory: 12 V bytes a row, of dynamic shared memory or, if there is one, of the workspace.
// Numerics: docs/sampling.md, bit for bit; noise pruned by bounds (kernels/noise_floor.h).
// Limits: V <= kMaxSampleVocabulary; any batch and stride.
__global__ void __launch_bounds__(kBlockThreads) sample_block_kernel(SampleTokens args) {
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
    draw_row(group, args, memory, row);
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
  const std::int64_t blocks = std::min((args.batch + kRows - 1) / kRows, kMaxBlocks);
  launch({.kernel = "sample_tokens",
          .shape = {args.batch, args.vocabulary},
          .grid = dim3(static_cast<unsigned>(blocks)),
          .block = dim3(kLaneThreads),
          .shared_bytes = shared_bytes(args.vocabulary, kRows),
          .stream = stream},
         sample_lanes_kernel<kLanes>, args);
}

void launch_block(const SampleTokens& args, cudaStream_t stream) {
  const bool is_global = args.vocabulary > kSharedVocabulary;
  const std::int64_t blocks =
      is_global ? workspace_rows(args.batch, args.vocabulary) : std::min(args.batch, kMaxBlocks);
  launch({.kernel = "sample_tokens",
          .shape = {args.batch, args.vocabulary},
          .grid = dim3(static_cast<unsigned>(blocks)),
          .block = dim3(kBlockThreads),
          .shared_bytes = is_global ? 0 : shared_bytes(args.vocabulary, 1),
          .stream = stream},
         sample_block_kernel, args);
}

}  // namespace

std::size_t sample_workspace_bytes(std::int64_t batch, std::int32_t vocabulary) {
  return static_cast<std::size_t>(workspace_rows(batch, vocabulary) * row_bytes(vocabulary));
}

void sample_tokens(const SampleTokens& args, cudaStream_t stream) {
  if (args.vocabulary <= kNarrowVocabulary) {
    launch_lanes<8>(args, stream);
  } else if (args.vocabulary <= kWarpVocabulary) {
    launch_lanes<32>(args, stream);
  } else {
    launch_block(args, stream);
  }
}

}  // namespace cadenza::kernels
