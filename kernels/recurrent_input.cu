// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
//
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/recurrent_cell.h"
#include "kernels/recurrent_input.h"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 128;

/// Rows of the planes of a unit, in numbers: recurrent sums [0, gates) and separate input sums
/// [gates, planes), the first `joined` of the gates both.
struct Rows {
  std::int64_t joined, gates, planes;
};

Rows rows_of(const StartSums& args) {
  const PlaneLayout layout = plane_layout(args.cell);
  return {layout.joined * args.hidden, info_of(args.cell).gates * args.hidden,
          layout.planes * args.hidden};
}

/// Gate row whose input sum goes to row r of the planes; -1: none.
__device__ __forceinline__ std::int64_t input_row(const Rows& rows, std::int64_t r) {
  if (r < rows.joined) return r;
  return r < rows.gates ? -1 : r - rows.gates + rows.joined;
}

// mapping: thread a number of one row of planes, from `first` on; blocks along x, a row's first
// memory: no shared memory; lanes write neighbours, ids are the same for a whole block
// numerics: b_hh + b_ih, then the column, as in backend/cpu/recurrent.cpp
// limits: rows * ceil(planes * H / 128) below 2^31
__global__ void __launch_bounds__(kThreads)
    start_sums_kernel(StartSums args, Rows rows, std::int64_t first, std::int64_t count,
                      unsigned blocks_of_row, InputColumns columns) {
  const std::int64_t n = blockIdx.x / blocks_of_row;
  const std::int64_t i =
      static_cast<std::int64_t>(blockIdx.x % blocks_of_row) * kThreads + threadIdx.x;
  if (i >= count) return;
  const std::int64_t r = first + i;
  const std::int64_t from = input_row(rows, r);
  float sum = r < rows.gates ? args.b_hh[r] : args.b_ih[from];
  if (r < rows.joined) sum += args.b_ih[r];
  if (columns.ids != nullptr && from >= 0) {
    const std::int32_t id = columns.ids[n];
    if (id >= 0) sum += columns.w_ih[from * columns.row_stride + id * columns.id_stride];
  }
  args.sums[n * rows.planes + r] = sum;
}

void start(const char* kernel, const StartSums& args, std::int64_t first, std::int64_t count,
           const InputColumns& columns, cudaStream_t stream) {
  const auto blocks_of_row = blocks_for(count, kThreads);
  launch({.kernel = kernel,
          .shape = {args.rows, count},
          .grid = dim3(static_cast<unsigned>(args.rows) * blocks_of_row),
          .block = dim3(kThreads),
          .stream = stream},
         start_sums_kernel, args, rows_of(args), first, count, blocks_of_row, columns);
}

}  // namespace

void start_sums(const StartSums& args, cudaStream_t stream) {
  start("start_sums", args, 0, rows_of(args).planes, {}, stream);
}

void start_separate_sums(const StartSums& args, cudaStream_t stream) {
  const Rows rows = rows_of(args);
  start("start_separate_sums", args, rows.joined, rows.gates - rows.joined, {}, stream);
}

void gather_inputs(const StartSums& args, const InputColumns& columns, cudaStream_t stream) {
  start("gather_inputs", args, 0, rows_of(args).planes, columns, stream);
}

}  // namespace cadenza::kernels
