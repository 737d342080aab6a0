// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Functions shared by host and device code, from one source.
#if defined(__CUDACC__)
#define CADENZA_HOST_DEVICE __host__ __device__
#else
#define CADENZA_HOST_DEVICE
#endif

namespace cadenza {

/// Every use of randomness has its own stream: the purpose is the top byte of counter word 0, so
/// streams never overlap. Values are part of the file and reproducibility contract.
enum class RandomPurpose : std::uint32_t {
  sample = 0,       ///< noise of the token draw
  sample_tail = 1,  ///< its 32 further bits for the extreme tail
  keys = 2,         ///< independent Bernoulli keys of a frame
  keys_tail = 3,
  dropout = 4,
  initialize = 5,  ///< parameter initialisation
  shuffle = 6,     ///< order of pieces in an epoch, split of a data set
  schedule = 7,    ///< which tokens scheduled sampling replaces
  latent = 8,      ///< codes of an autoencoder: of pieces in training, and drawn from the prior
  word = 9,        ///< which tokens a model may not read in training
  order = 10,      ///< in which order infilling draws its places
};

struct PhiloxCounter {
  std::uint32_t word[4];
};

/// The keys of the ten rounds.
struct PhiloxKeys {
  std::uint32_t word[20];
};

CADENZA_HOST_DEVICE inline PhiloxKeys philox_keys(std::uint64_t key) {
  PhiloxKeys keys = {};
  for (std::uint32_t round = 0; round < 10; ++round) {
    keys.word[2 * round] = static_cast<std::uint32_t>(key) + round * 0x9E3779B9u;
    keys.word[2 * round + 1] = static_cast<std::uint32_t>(key >> 32) + round * 0xBB67AE85u;
  }
  return keys;
}

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): 128
/// counter bits and 64 key bits give 128 random bits, without state.
CADENZA_HOST_DEVICE inline PhiloxCounter philox(PhiloxCounter counter, const PhiloxKeys& keys) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    const auto high0 = static_cast<std::uint32_t>(product0 >> 32);
    const auto high1 = static_cast<std::uint32_t>(product1 >> 32);
    counter = {
        {high1 ^ counter.word[1] ^ keys.word[2 * round], static_cast<std::uint32_t>(product1),
         high0 ^ counter.word[3] ^ keys.word[2 * round + 1], static_cast<std::uint32_t>(product0)}};
  }
  return counter;
}
CADENZA_HOST_DEVICE inline PhiloxCounter philox(PhiloxCounter counter, std::uint64_t key) {
  return philox(counter, philox_keys(key));
}

/// The address of one random word: which use, whose sequence, which step, which item in it.
struct RandomAddress {
  RandomPurpose purpose = RandomPurpose::sample;
  std::uint64_t sequence = 0;
  std::uint32_t step = 0;
  std::uint32_t item = 0;  ///< below 2^26
};

/// {purpose << 24 | item >> 2, step, sequence low, sequence high}: one counter for four items.
CADENZA_HOST_DEVICE inline PhiloxCounter random_counter(const RandomAddress& address) {
  return {{static_cast<std::uint32_t>(address.purpose) << 24 | address.item >> 2, address.step,
           static_cast<std::uint32_t>(address.sequence),
           static_cast<std::uint32_t>(address.sequence >> 32)}};
}

/// 32 random bits at `address` under `seed`: word item & 3 of its counter.
CADENZA_HOST_DEVICE inline std::uint32_t random_bits(std::uint64_t seed,
                                                     const RandomAddress& address) {
  const PhiloxCounter words = philox(random_counter(address), seed);
  const bool odd = (address.item & 1) != 0;  // chosen, not indexed: registers have no addresses
  const std::uint32_t low = odd ? words.word[1] : words.word[0];
  const std::uint32_t high = odd ? words.word[3] : words.word[2];
  return (address.item & 2) != 0 ? high : low;
}

/// Maps 32 bits to the middle of their cell of (0, 1), exactly, in double.
CADENZA_HOST_DEVICE inline double uniform_double(std::uint32_t bits) {
  return (static_cast<double>(bits) + 0.5) * (1.0 / 4294967296.0);
}

}  // namespace cadenza
