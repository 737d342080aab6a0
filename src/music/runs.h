// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cadenza/tokenizer.h"

namespace cadenza {

/// The steps of a sequence as words that can be hashed and compared.
std::vector<std::uint64_t> words_of(const Sequence& sequence);
/// A hash of every run of `length` words, in order.
std::vector<std::uint64_t> run_hashes(const std::vector<std::uint64_t>& words, std::size_t length);

}  // namespace cadenza
