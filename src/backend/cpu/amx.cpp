// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/amx.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#define CADENZA_AMX __attribute__((target("amx-tile,amx-int8")))

namespace cadenza::cpu {
namespace {

std::atomic<bool> g_hidden{false};

/// The system hands out the state of tiles only to those who ask (Linux, from 5.16 on).
bool ask_for_tiles() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned kTile = 1U << 24;
  constexpr unsigned kInt8 = 1U << 25;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & kTile) == 0 || (d & kInt8) == 0) return false;
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// Tiles 0 to 3 hold sums, rows * 2 + columns; 4 and 5 rows, 6 and 7 columns.

/// Layout of ldtilecfg: eight tiles of rows of 64 bytes.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {};
};

/// By the number of rows. In memory for good: compilers do not see that ldtilecfg reads all of it.
constexpr auto kConfigs = [] {
  std::array<TileConfig, kAmxRows + 1> configs{};
  for (std::uint8_t rows = 0; rows <= kAmxRows; ++rows) {
    for (int tile = 0; tile < 8; ++tile) configs[rows].rows[tile] = tile < 6 ? rows : kAmxRows;
  }
  return configs;
}();

constexpr std::int64_t kTile = 64;                   // bytes of a row of a tile
constexpr std::int64_t kRowBytes = kAmxColumns * 4;  // of the sums, and of a panel's words

/// Two tiles that lie `second` bytes apart, rows of each `stride`, and after them, `step` on, the
/// next of their depth.
struct TilePair {
  const void* data;
  std::int64_t second, stride, step;
};

CADENZA_AMX void take_tiles(const TileConfig& config) { _tile_loadconfig(&config); }
CADENZA_AMX void give_tiles() { _tile_release(); }

/// Rows times both columns, to sums [16, 32]; with kBoth the second rows to those 16 * 32 further
/// on.
template <bool kBoth>
CADENZA_AMX void multiply_tiles(const TilePair& rows, const TilePair& columns, std::int64_t depth,
                                std::int32_t* sums, std::int64_t second_column) {
  const auto* row = static_cast<const std::byte*>(rows.data);
  const auto* column = static_cast<const std::byte*>(columns.data);
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (kBoth) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    _tile_loadd(4, row, rows.stride);
    _tile_loadd(6, column, columns.stride);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, column + columns.second, columns.stride);
    _tile_dpbusd(1, 4, 7);
    if constexpr (kBoth) {
      _tile_loadd(5, row + rows.second, rows.stride);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
    row += rows.step;
    column += columns.step;
  }
  _tile_stored(0, sums, kRowBytes);
  _tile_stored(1, sums + second_column, kRowBytes);
  if constexpr (kBoth) {
    std::int32_t* const second_row = sums + kAmxRows * kAmxColumns;
    _tile_stored(2, second_row, kRowBytes);
    _tile_stored(3, second_row + second_column, kRowBytes);
  }
}

}  // namespace

bool amx_ready() {
  static const bool ready = ask_for_tiles();
  return ready && !g_hidden.load(std::memory_order_relaxed);
}

void hide_amx(bool hidden) { g_hidden = hidden; }

AmxTiles::~AmxTiles() {
  if (rows_ > 0) give_tiles();
}

void AmxTiles::set(std::int64_t rows) {
  if (rows != rows_) take_tiles(kConfigs[static_cast<std::size_t>(rows)]);
  rows_ = rows;
}

void AmxTiles::multiply(const std::uint8_t* codes, std::int64_t rows, std::int64_t stride,
                        const std::byte* panel, std::int64_t depth, std::int32_t* sums) {
  set(std::min(rows, kAmxRows));
  const TilePair pair{codes, kAmxRows * stride, stride, kAmxDepth};
  const TilePair columns{panel, kTile, kRowBytes, kAmxDepth / 4 * kRowBytes};
  (rows > kAmxRows ? multiply_tiles<true> : multiply_tiles<false>)(pair, columns, depth, sums, 16);
}

void AmxTiles::multiply_digits(const std::uint8_t* codes, std::int64_t rows, std::int64_t stride,
                               const std::byte* panel, std::int64_t depth, std::int32_t* sums) {
  constexpr std::int64_t kTileBytes = 16 * kTile;
  set(rows);
  const TilePair pair{codes, kAmxDepth, stride, 2 * kAmxDepth};
  for (std::int64_t half = 0; half < 2; ++half) {
    const TilePair columns{panel + half * 2 * kTileBytes, kTileBytes, kTile, 4 * kTileBytes};
    multiply_tiles<true>(pair, columns, depth, sums + half * 16, 2 * kAmxRows * kAmxColumns);
  }
}

}  // namespace cadenza::cpu

#else

namespace cadenza::cpu {

bool amx_ready() { return false; }
void hide_amx(bool /*hidden*/) {}
AmxTiles::~AmxTiles() = default;
void AmxTiles::multiply(const std::uint8_t*, std::int64_t, std::int64_t, const std::byte*,
                        std::int64_t, std::int32_t*) {}
void AmxTiles::multiply_digits(const std::uint8_t*, std::int64_t, std::int64_t, const std::byte*,
                               std::int64_t, std::int32_t*) {}

}  // namespace cadenza::cpu

#endif
