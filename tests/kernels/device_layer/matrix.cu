// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/device/launch.h"
#include "kernels/device_layer/launchers.h"
#include "kernels/formats.cuh"

namespace cadenza::kernels {
namespace {

/// Two elements a word, low half first.
template <typename Format>
struct Pairs {
  static constexpr int kPerWord = 2;

  template <typename Element>
  static __device__ std::uint32_t word(const Element& element, int k) {
    return Format::from(element(k)) | std::uint32_t{Format::from(element(k + 1))} << 16;
  }
};

struct Bf16Product : Pairs<Bf16Format> {
  static __device__ void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2], const float (&c)[4]) {
    mma_bf16_m16n8k16(d, a, b, c);
  }
};

struct Fp16Product : Pairs<Fp16Format> {
  static __device__ void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2], const float (&c)[4]) {
    mma_f16_m16n8k16(d, a, b, c);
  }
};

struct Tf32Product {
  static constexpr int kPerWord = 1;

  template <typename Element>
  static __device__ std::uint32_t word(const Element& element, int k) {
    return to_tf32(element(k));
  }
  static __device__ void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2], const float (&c)[4]) {
    mma_tf32_m16n8k8(d, a, b, c);
  }
};

// Fragments are put together element by element as warp_mma.h describes them. The first product
// adds to c, the following to their own result.
template <typename Product>
__global__ void multiply_fragments_kernel(const float* a, const float* b, const float* c,
                                          float* d) {
  const auto group = static_cast<int>(threadIdx.x) / 4;
  const auto member = static_cast<int>(threadIdx.x) % 4;
  const auto place = [=](int r) {
    return (group + r / 2 * 8) * kProductColumns + 2 * member + r % 2;
  };
  float start[4];
  for (int r = 0; r < 4; ++r) start[r] = c[place(r)];
  float sum[4];
  constexpr int kHalf = 4 * Product::kPerWord;
  for (int k = 0; k < kProductDepth; k += 2 * kHalf) {
    std::uint32_t word_a[4], word_b[2];
    for (int r = 0; r < 4; ++r) {
      const float* row = a + (group + r % 2 * 8) * kProductDepth;
      word_a[r] = Product::word([=](int i) { return row[i]; },
                                k + Product::kPerWord * member + r / 2 * kHalf);
    }
    for (int r = 0; r < 2; ++r) {
      word_b[r] = Product::word([=](int i) { return b[i * kProductColumns + group]; },
                                k + Product::kPerWord * member + r * kHalf);
    }
    if (k == 0) {
      Product::multiply(sum, word_a, word_b, start);
    } else {
      Product::multiply(sum, word_a, word_b, sum);
    }
  }
  for (int r = 0; r < 4; ++r) d[place(r)] = sum[r];
}

/// A row of a matrix with some bytes to the next.
struct alignas(16) MatrixRow {
  std::uint16_t elements[24];
};

// Rows stand in an order of their own, so that a lane's address matters and not its number.
template <MatrixLoad kLoad>
__global__ void load_matrices_kernel(const std::uint16_t* matrices, std::uint32_t* words) {
  CADENZA_SHARED(rows, MatrixRow[32]);
  const unsigned lane = threadIdx.x;
  for (unsigned i = 0; i < 8; ++i) rows[lane ^ 5U].elements[i] = matrices[lane * 8 + i];
  __syncwarp();
  const void* row = &rows[lane ^ 5U];
  std::uint32_t four[4] = {};
  std::uint32_t two[2] = {};
  if constexpr (kLoad == MatrixLoad::x4) {
    ldmatrix_x4(four, row);
  } else if constexpr (kLoad == MatrixLoad::x4_transposed) {
    ldmatrix_x4_transposed(four, row);
  } else if constexpr (kLoad == MatrixLoad::x2) {
    ldmatrix_x2(two, row);
  } else {
    ldmatrix_x2_transposed(two, row);
  }
  for (unsigned i = 0; i < 4; ++i) words[lane * 4 + i] = four[i];
  for (unsigned i = 0; i < 2; ++i) words[lane * 4 + i] |= two[i];
}

__global__ void round_to_tf32_kernel(const float* values, int count, float* rounded) {
  const auto i = static_cast<int>(threadIdx.x);
  if (i < count) rounded[i] = __uint_as_float(to_tf32(values[i]));
}

constexpr unsigned kWarp = 32;

}  // namespace

void multiply_fragments(Precision precision, const float* a, const float* b, const float* c,
                        float* d) {
  const LaunchConfig config = {.kernel = "multiply_fragments",
                               .shape = {kProductRows, kProductColumns, kProductDepth},
                               .grid = dim3(1),
                               .block = dim3(kWarp)};
  if (precision == Precision::bf16) {
    launch(config, multiply_fragments_kernel<Bf16Product>, a, b, c, d);
  } else if (precision == Precision::fp16) {
    launch(config, multiply_fragments_kernel<Fp16Product>, a, b, c, d);
  } else {
    launch(config, multiply_fragments_kernel<Tf32Product>, a, b, c, d);
  }
}

void load_matrices(MatrixLoad load, const std::uint16_t* matrices, std::uint32_t* words) {
  const LaunchConfig config = {
      .kernel = "load_matrices", .shape = {4, 8, 8}, .grid = dim3(1), .block = dim3(kWarp)};
  switch (load) {
    case MatrixLoad::x4:
      return launch(config, load_matrices_kernel<MatrixLoad::x4>, matrices, words);
    case MatrixLoad::x4_transposed:
      return launch(config, load_matrices_kernel<MatrixLoad::x4_transposed>, matrices, words);
    case MatrixLoad::x2:
      return launch(config, load_matrices_kernel<MatrixLoad::x2>, matrices, words);
    case MatrixLoad::x2_transposed:
      return launch(config, load_matrices_kernel<MatrixLoad::x2_transposed>, matrices, words);
  }
}

void round_to_tf32(const float* values, int count, float* rounded) {
  launch({.kernel = "round_to_tf32",
          .shape = {count},
          .grid = dim3(1),
          .block = dim3(static_cast<unsigned>(count))},
         round_to_tf32_kernel, values, count, rounded);
}

}  // namespace cadenza::kernels
