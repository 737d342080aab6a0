// SPDX-License-Identifier: Apache-2.0
// Emulation: the device-wide algorithms of CUB that the project uses, with CUB's signatures and its
// protocol of temporary storage: a call without storage says how much it needs, one with storage
// works, and spoils all of the storage, as the device may.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

#include "cuda_runtime.h"
#include "emulation/stream.h"

namespace cub {

namespace detail {

/// Says how much storage is needed, which depends on the type of the count too, or queues work(),
/// which is told apart by its type.
template <typename Number, typename Work>
cudaError_t with_storage(void* storage, std::size_t& bytes, Number count, cudaStream_t stream,
                         Work work) {
  const std::size_t needed = 256 + 2 * sizeof(Number) * static_cast<std::size_t>(count);
  if (storage == nullptr) {
    bytes = needed;
    return cudaSuccess;
  }
  if (bytes < needed) return cudaErrorInvalidValue;
  static const char identity = 0;
  return cadenza::emulation::enqueue_work(stream, &identity, [=] {
    work();
    std::fill_n(static_cast<unsigned char*>(storage), needed, static_cast<unsigned char>(0xA5));
  });
}

/// Bits [begin, end) of an integer key, in the order of its values.
template <typename Key>
auto sort_bits(Key key, int begin, int end) {
  static_assert(std::is_integral_v<Key>, "keys of the project are integers");
  using Bits = std::make_unsigned_t<Key>;
  constexpr int kBits = 8 * sizeof(Key);
  auto bits = static_cast<Bits>(key);
  if (std::is_signed_v<Key>) bits = static_cast<Bits>(bits ^ (Bits{1} << (kBits - 1)));
  bits = static_cast<Bits>(bits >> begin);
  return end - begin < kBits ? static_cast<Bits>(bits & ((Bits{1} << (end - begin)) - 1)) : bits;
}

enum class Direction { kAscending, kDescending };

/// Positions of the keys in sorted order; equal keys keep theirs.
template <typename Key, typename Number>
std::vector<std::size_t> sorted_positions(const Key* keys, Number count, int begin, int end,
                                          Direction direction) {
  std::vector<std::size_t> positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  std::stable_sort(positions.begin(), positions.end(), [&](std::size_t a, std::size_t b) {
    const auto first = sort_bits(keys[a], begin, end);
    const auto second = sort_bits(keys[b], begin, end);
    return direction == Direction::kAscending ? first < second : second < first;
  });
  return positions;
}

template <typename T>
void gather(const T* from, T* to, const std::vector<std::size_t>& positions) {
  for (std::size_t i = 0; i < positions.size(); ++i) to[i] = from[positions[i]];
}

}  // namespace detail

struct DeviceRadixSort {
  template <typename Key, typename Value, typename Number>
  static cudaError_t SortPairs(void* storage, std::size_t& bytes, const Key* keys, Key* sorted_keys,
                               const Value* values, Value* sorted_values, Number count,
                               int begin_bit = 0, int end_bit = 8 * sizeof(Key),
                               cudaStream_t stream = nullptr) {
    return detail::with_storage(storage, bytes, count, stream, [=] {
      const auto positions =
          detail::sorted_positions(keys, count, begin_bit, end_bit, detail::Direction::kAscending);
      detail::gather(keys, sorted_keys, positions);
      detail::gather(values, sorted_values, positions);
    });
  }

  template <typename Key, typename Value, typename Number>
  static cudaError_t SortPairsDescending(void* storage, std::size_t& bytes, const Key* keys,
                                         Key* sorted_keys, const Value* values,
                                         Value* sorted_values, Number count, int begin_bit = 0,
                                         int end_bit = 8 * sizeof(Key),
                                         cudaStream_t stream = nullptr) {
    return detail::with_storage(storage, bytes, count, stream, [=] {
      const auto positions =
          detail::sorted_positions(keys, count, begin_bit, end_bit, detail::Direction::kDescending);
      detail::gather(keys, sorted_keys, positions);
      detail::gather(values, sorted_values, positions);
    });
  }
};

/// Input and output may be the same array.
struct DeviceScan {
  template <typename Input, typename Output, typename Number>
  static cudaError_t ExclusiveSum(void* storage, std::size_t& bytes, Input input, Output output,
                                  Number count, cudaStream_t stream = nullptr) {
    return detail::with_storage(storage, bytes, count, stream, [=] {
      std::remove_cvref_t<decltype(output[0])> sum{};
      for (Number i = 0; i < count; ++i) {
        const auto value = input[i];
        output[i] = sum;
        sum += value;
      }
    });
  }

  template <typename Input, typename Output, typename Number>
  static cudaError_t InclusiveSum(void* storage, std::size_t& bytes, Input input, Output output,
                                  Number count, cudaStream_t stream = nullptr) {
    return detail::with_storage(storage, bytes, count, stream, [=] {
      std::remove_cvref_t<decltype(output[0])> sum{};
      for (Number i = 0; i < count; ++i) {
        sum += input[i];
        output[i] = sum;
      }
    });
  }
};

struct DeviceReduce {
  template <typename Input, typename Output, typename Number>
  static cudaError_t Sum(void* storage, std::size_t& bytes, Input input, Output output,
                         Number count, cudaStream_t stream = nullptr) {
    return detail::with_storage(storage, bytes, count, stream, [=] {
      std::remove_cvref_t<decltype(output[0])> sum{};
      for (Number i = 0; i < count; ++i) sum += input[i];
      output[0] = sum;
    });
  }
};

struct DeviceRunLengthEncode {
  template <typename Input, typename Unique, typename Counts, typename Runs, typename Number>
  static cudaError_t Encode(void* storage, std::size_t& bytes, Input input, Unique unique,
                            Counts counts, Runs runs, Number count, cudaStream_t stream = nullptr) {
    return detail::with_storage(storage, bytes, count, stream, [=] {
      Number found = 0;
      for (Number i = 0; i < count; ++i) {
        if (i == 0 || !(input[i] == input[i - 1])) {
          unique[found] = input[i];
          counts[found++] = 0;
        }
        counts[found - 1] += 1;
      }
      runs[0] = static_cast<std::remove_cvref_t<decltype(runs[0])>>(found);
    });
  }
};

}  // namespace cub
