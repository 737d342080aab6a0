// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/amx.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#define CADENZA_AMX __attribute__((target("amx-tile,amx-int8")))

namespace cadenza::cpu {
namespace {

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

constexpr std::int64_t kRowBytes = kAmxColumns * 4;  // of a panel and of the sums

CADENZA_AMX void take_tiles(const TileConfig& config) { _tile_loadconfig(&config); }
CADENZA_AMX void give_tiles() { _tile_release(); }

/// Up to 16 rows, or twice 16.
template <bool kTwice>
CADENZA_AMX void multiply_rows(const std::uint8_t* codes, std::int64_t stride,
                               const std::byte* panel, std::int64_t depth, std::int32_t* sums) {
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (kTwice) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    _tile_loadd(4, codes + k * kAmxDepth, stride);
    const std::byte* const columns = panel + k * kAmxDepth / 4 * kRowBytes;
    _tile_loadd(6, columns, kRowBytes);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, columns + 64, kRowBytes);
    _tile_dpbusd(1, 4, 7);
    if constexpr (kTwice) {
      _tile_loadd(5, codes + kAmxRows * stride + k * kAmxDepth, stride);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
  }
  _tile_stored(0, sums, kRowBytes);
  _tile_stored(1, sums + 16, kRowBytes);
  if constexpr (kTwice) {
    _tile_stored(2, sums + kAmxRows * kAmxColumns, kRowBytes);
    _tile_stored(3, sums + kAmxRows * kAmxColumns + 16, kRowBytes);
  }
}

}  // namespace

bool amx_ready() {
  static const bool ready = ask_for_tiles();
  return ready;
}

AmxTiles::AmxTiles(std::int64_t rows) : twice_(rows > kAmxRows) {
  take_tiles(kConfigs[static_cast<std::size_t>(std::min(rows, kAmxRows))]);
}
AmxTiles::~AmxTiles() { give_tiles(); }

void AmxTiles::multiply(const std::uint8_t* codes, std::int64_t stride, const std::byte* panel,
                        std::int64_t depth, std::int32_t* sums) const {
  (twice_ ? multiply_rows<true> : multiply_rows<false>)(codes, stride, panel, depth, sums);
}

}  // namespace cadenza::cpu

#else

namespace cadenza::cpu {

bool amx_ready() { return false; }
AmxTiles::AmxTiles(std::int64_t) : twice_(false) {}
AmxTiles::~AmxTiles() = default;
void AmxTiles::multiply(const std::uint8_t*, std::int64_t, const std::byte*, std::int64_t,
                        std::int32_t*) const {}

}  // namespace cadenza::cpu

#endif
