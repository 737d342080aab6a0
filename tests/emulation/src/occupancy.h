// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace cadenza::emulation {

/// Blocks of `threads` threads and `shared_bytes` bytes that fit one processor at a time; registers
/// are unknown here.
unsigned blocks_per_processor(unsigned threads, std::size_t shared_bytes);

}  // namespace cadenza::emulation
