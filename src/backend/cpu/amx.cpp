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
#include <utility>

#include "backend/cpu/digits.h"

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

// Tiles 0 to 5 hold sums and rows, 6 rows, 7 columns. A tile that is loaded anew is another
// register: loads need not wait for the products of what was there.

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
    for (int tile = 0; tile < 8; ++tile) configs[rows].rows[tile] = tile < 7 ? rows : kAmxRows;
  }
  return configs;
}();

constexpr std::int64_t kTile = 64;                   // bytes of a row of a tile
constexpr std::int64_t kRowBytes = kAmxColumns * 4;  // of the sums, and of a panel's words

CADENZA_AMX void take_tiles(const TileConfig& config) { _tile_loadconfig(&config); }
CADENZA_AMX void give_tiles() { _tile_release(); }

// Sums start from offsets: a row that is read again for every row of a tile, at a stride of 0.

/// Sums [16, 32] of 16 rows, with kBoth of 32, as AmxTiles::multiply() has them.
template <bool kBoth>
CADENZA_AMX void multiply_tiles(const std::uint8_t* codes, std::int64_t stride,
                                const std::byte* panel, const std::int32_t* offsets,
                                std::int64_t depth, std::int32_t* sums) {
  _tile_loadd(0, offsets, 0);
  _tile_loadd(1, offsets + kAmxColumns / 2, 0);
  if constexpr (kBoth) {
    _tile_loadd(2, offsets, 0);
    _tile_loadd(3, offsets + kAmxColumns / 2, 0);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    _tile_loadd(6, codes, stride);
    _tile_loadd(7, panel, kRowBytes);
    _tile_dpbusd(0, 6, 7);
    if constexpr (kBoth) {
      _tile_loadd(5, codes + kAmxRows * stride, stride);
      _tile_dpbusd(2, 5, 7);
    }
    _tile_loadd(7, panel + kTile, kRowBytes);
    _tile_dpbusd(1, 6, 7);
    if constexpr (kBoth) _tile_dpbusd(3, 5, 7);
    codes += kAmxDepth;
    panel += kAmxDepth / 4 * kRowBytes;
  }
  _tile_stored(0, sums, kRowBytes);
  _tile_stored(1, sums + kAmxColumns / 2, kRowBytes);
  if constexpr (kBoth) {
    std::int32_t* const second = sums + kAmxRows * kAmxColumns;
    _tile_stored(2, second, kRowBytes);
    _tile_stored(3, second + kAmxColumns / 2, kRowBytes);
  }
}

// The intrinsics are macros that want the numbers of tiles as text.

/// Sums of both sides, whose offsets begin at `first` and `second`.
template <int kDigits>
CADENZA_AMX void start_sums(const std::int32_t* first, const std::int32_t* second) {
  _tile_loadd(0, first, 0);
  _tile_loadd(1, second, 0);
  if constexpr (kDigits == 2) {
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
  } else {
    _tile_loadd(2, first + kAmxColumns, 0);
    _tile_loadd(3, second + kAmxColumns, 0);
    _tile_loadd(4, first + 2 * kAmxColumns, 0);
    _tile_loadd(5, second + 2 * kAmxColumns, 0);
  }
}

template <int kSum>
CADENZA_AMX void add_product() {
  if constexpr (kSum == 0) _tile_dpbusd(0, 6, 7);
  if constexpr (kSum == 1) _tile_dpbusd(1, 6, 7);
  if constexpr (kSum == 2) _tile_dpbusd(2, 6, 7);
  if constexpr (kSum == 3) _tile_dpbusd(3, 6, 7);
  if constexpr (kSum == 4) _tile_dpbusd(4, 6, 7);
  if constexpr (kSum == 5) _tile_dpbusd(5, 6, 7);
}

/// Those of a side of all places.
template <int kSide>
CADENZA_AMX void store_sums(std::int32_t* sums) {
  constexpr std::int64_t kPlace = 2 * kAmxRows * kAmxColumns;
  if constexpr (kSide == 0) {
    _tile_stored(0, sums, kRowBytes);
    _tile_stored(2, sums + kPlace, kRowBytes);
    _tile_stored(4, sums + 2 * kPlace, kRowBytes);
  } else {
    _tile_stored(1, sums, kRowBytes);
    _tile_stored(3, sums + kPlace, kRowBytes);
    _tile_stored(5, sums + 2 * kPlace, kRowBytes);
  }
}

constexpr std::int64_t kDigitTile = 16 * kTile;

/// 64 codes of 32 rows times half of the columns, or of up to 16 rows times all columns: the second
/// rows or columns lie `second` bytes after the first, and what both meet is loaded once.
template <int kDigits, bool kTwiceTheRows, std::size_t... kProducts>
CADENZA_AMX void add_digits(const std::uint8_t* codes, std::int64_t stride,
                            const std::byte* columns, std::int64_t second,
                            std::index_sequence<kProducts...> /*products*/) {
  const auto add = [&]<std::size_t kProduct>() CADENZA_AMX {
    constexpr auto& kAll = kDigitProducts<kDigits>;
    constexpr DigitProduct kDigit = kAll[kProduct];
    constexpr DigitProduct kBefore = kAll[kProduct - (kProduct > 0)];
    constexpr int kSum = 2 * place_of<kDigits>(kDigit);
    constexpr bool kOther = kProduct == 0 || (kTwiceTheRows ? kBefore.weight != kDigit.weight
                                                            : kBefore.factor != kDigit.factor);
    const std::uint8_t* const row = codes + kDigit.factor * kDigitBlock;
    const std::byte* const column = columns + kDigit.weight * kDigitTile;
    if constexpr (!kTwiceTheRows || kOther) _tile_loadd(7, column, kTile);
    if constexpr (kTwiceTheRows || kOther) _tile_loadd(6, row, stride);
    add_product<kSum>();
    if constexpr (kTwiceTheRows) {
      _tile_loadd(6, row + second, stride);
    } else {
      _tile_loadd(7, column + second, kTile);
    }
    add_product<kSum + 1>();
  };
  (add.template operator()<kProducts>(), ...);
}

/// As AmxTiles::multiply_digits(), of up to 16 rows or of 32.
template <int kDigits>
CADENZA_AMX void multiply_digit_tiles(const std::uint8_t* codes, std::int64_t rows,
                                      std::int64_t stride, const std::byte* panel,
                                      const std::int32_t* offsets, std::int64_t depth,
                                      std::int32_t* sums) {
  constexpr auto kProducts = std::make_index_sequence<kDigitProducts<kDigits>.size()>();
  constexpr std::int64_t kColumns = kDigits * kDigitTile;
  constexpr std::int64_t kCodes = kDigits * kDigitBlock;
  constexpr std::int64_t kHalf = kAmxColumns / 2;
  if (rows <= kAmxRows) {
    start_sums<kDigits>(offsets, offsets + kHalf);
    for (std::int64_t k = 0; k < depth; ++k) {
      add_digits<kDigits, false>(codes + k * kCodes, stride, panel + k * kColumns, depth * kColumns,
                                 kProducts);
    }
    store_sums<0>(sums);
    store_sums<1>(sums + kHalf);
    return;
  }
  for (std::int64_t half = 0; half < 2; ++half) {
    const std::int32_t* const start = offsets + half * kHalf;
    start_sums<kDigits>(start, start);
    for (std::int64_t k = 0; k < depth; ++k) {
      add_digits<kDigits, true>(codes + k * kCodes, stride, panel, kAmxRows * stride, kProducts);
      panel += kColumns;
    }
    std::int32_t* const out = sums + half * kHalf;
    store_sums<0>(out);
    store_sums<1>(out + kAmxRows * kAmxColumns);
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
                        const std::byte* panel, const std::int32_t* offsets, std::int64_t depth,
                        std::int32_t* sums) {
  set(std::min(rows, kAmxRows));
  (rows > kAmxRows ? multiply_tiles<true> : multiply_tiles<false>)(codes, stride, panel, offsets,
                                                                   depth, sums);
}

template <int kDigits>
void AmxTiles::multiply_digits(const std::uint8_t* codes, std::int64_t rows, std::int64_t stride,
                               const std::byte* panel, const std::int32_t* offsets,
                               std::int64_t depth, std::int32_t* sums) {
  set(std::min(rows, kAmxRows));
  multiply_digit_tiles<kDigits>(codes, rows, stride, panel, offsets, depth, sums);
}

}  // namespace cadenza::cpu

#else

namespace cadenza::cpu {

bool amx_ready() { return false; }
void hide_amx(bool /*hidden*/) {}
AmxTiles::~AmxTiles() = default;
void AmxTiles::multiply(const std::uint8_t*, std::int64_t, std::int64_t, const std::byte*,
                        const std::int32_t*, std::int64_t, std::int32_t*) {}
template <int kDigits>
void AmxTiles::multiply_digits(const std::uint8_t*, std::int64_t, std::int64_t, const std::byte*,
                               const std::int32_t*, std::int64_t, std::int32_t*) {}

}  // namespace cadenza::cpu

#endif

namespace cadenza::cpu {

template void AmxTiles::multiply_digits<2>(const std::uint8_t*, std::int64_t, std::int64_t,
                                           const std::byte*, const std::int32_t*, std::int64_t,
                                           std::int32_t*);
template void AmxTiles::multiply_digits<3>(const std::uint8_t*, std::int64_t, std::int64_t,
                                           const std::byte*, const std::int32_t*, std::int64_t,
                                           std::int32_t*);

}  // namespace cadenza::cpu
