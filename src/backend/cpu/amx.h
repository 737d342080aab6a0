// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Products of bytes on the matrix tiles of AMX, where a processor has them: an order of magnitude
// more multiply-adds a cycle than vectors do. Sums of integers are exact, so they are the same
// bits.

namespace cadenza::cpu {

/// Whether this process may use them; asks the system once.
bool amx_ready();
/// For tests: whether they shall look as if they were not there. What was packed is packed anew.
void hide_amx(bool hidden);

constexpr std::int64_t kAmxRows = 16;
constexpr std::int64_t kAmxColumns = 32;
constexpr std::int64_t kAmxDepth = 64;

/// The calling thread's tiles, from the first product to the end of this. They stay set for as many
/// rows as the last product had: setting takes as long as a product of a few rows.
class AmxTiles {
 public:
  AmxTiles() = default;
  ~AmxTiles();
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  /// sums [rows, 32] = offsets [32] + codes [rows, 64 * depth], `stride` bytes apart, times a panel
  /// [16 * depth, 32, 4] of signed bytes; of up to 16 rows or of 32.
  void multiply(const std::uint8_t* codes, std::int64_t rows, std::int64_t stride,
                const std::byte* panel, const std::int32_t* offsets, std::int64_t depth,
                std::int32_t* sums);
  /// The same by digits (digits.h): sums [kPlaces, 32, 32] of codes [rows, depth, digits, 64] times
  /// a panel [halves of the columns, depth, digits, 16, 16, 4]. With two digits offsets [32] are of
  /// the lowest place, with three [kPlaces, 32].
  template <int kDigits>
  void multiply_digits(const std::uint8_t* codes, std::int64_t rows, std::int64_t stride,
                       const std::byte* panel, const std::int32_t* offsets, std::int64_t depth,
                       std::int32_t* sums);

 private:
  void set(std::int64_t rows);

  std::int64_t rows_ = 0;
};

}  // namespace cadenza::cpu
