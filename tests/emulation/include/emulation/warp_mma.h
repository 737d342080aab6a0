// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/warp_mma.h.
#pragma once

#include <bit>
#include <cstdint>

#include "emulation/device.h"

namespace cadenza::kernels {

inline void mma_bf16_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                              const std::uint32_t (&b)[2], const float (&c)[4],
                              emulation::Location at = emulation::Location::here()) {
  emulation::warp_multiply(emulation::MatrixType::kBf16, d, a, b, c, at);
}

inline void mma_f16_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2], const float (&c)[4],
                             emulation::Location at = emulation::Location::here()) {
  emulation::warp_multiply(emulation::MatrixType::kF16, d, a, b, c, at);
}

inline void mma_tf32_m16n8k8(float (&d)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2], const float (&c)[4],
                             emulation::Location at = emulation::Location::here()) {
  emulation::warp_multiply(emulation::MatrixType::kTf32, d, a, b, c, at);
}

inline std::uint32_t to_tf32(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const bool finite = (bits & 0x7F800000U) != 0x7F800000U;
  return finite ? (bits + 0x1000U) & ~0x1FFFU : bits;
}

/// Reads this lane's row, if it has one, and exchanges it.
template <unsigned kMatrices>
void load_matrices(std::uint32_t (&r)[kMatrices], const void* row, emulation::Transposed transposed,
                   emulation::Location at) {
  if (reinterpret_cast<std::uintptr_t>(row) % sizeof(uint4) != 0) {
    emulation::fail("misaligned ldmatrix row", at);
  }
  std::uint32_t words[4] = {};
  if (emulation::lane() < 8 * kMatrices) {
    const uint4 value = *static_cast<const uint4*>(row);
    words[0] = value.x;
    words[1] = value.y;
    words[2] = value.z;
    words[3] = value.w;
  }
  emulation::warp_load_matrix(r, words, kMatrices, transposed, at);
}

inline void ldmatrix_x4(std::uint32_t (&r)[4], const void* row,
                        emulation::Location at = emulation::Location::here()) {
  load_matrices(r, row, emulation::Transposed::kNo, at);
}

inline void ldmatrix_x4_transposed(std::uint32_t (&r)[4], const void* row,
                                   emulation::Location at = emulation::Location::here()) {
  load_matrices(r, row, emulation::Transposed::kYes, at);
}

inline void ldmatrix_x2(std::uint32_t (&r)[2], const void* row,
                        emulation::Location at = emulation::Location::here()) {
  load_matrices(r, row, emulation::Transposed::kNo, at);
}

inline void ldmatrix_x2_transposed(std::uint32_t (&r)[2], const void* row,
                                   emulation::Location at = emulation::Location::here()) {
  load_matrices(r, row, emulation::Transposed::kYes, at);
}

}  // namespace cadenza::kernels
