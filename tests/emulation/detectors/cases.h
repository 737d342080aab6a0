// SPDX-License-Identifier: Apache-2.0
// Kernels that are wrong in one way each, and right ones to compare with.
#pragma once

#include <cstddef>
#include <ostream>
#include <vector>

namespace cadenza::test {

constexpr int kThreads = 128;           ///< of a block
constexpr int kOutputs = 4 * kThreads;  ///< elements of y
constexpr int kFlag = kOutputs - 1;     ///< element of y that serves as a flag between blocks

/// What a right kernel leaves in y[i], given x[kThreads].
using Expected = float (*)(const float* x, int i);

/// A kernel over x[kThreads] and y[kOutputs], and who must notice its mistake in at least one
/// order: "value" stands for a wrong result, other words for a part of the report; "" for nobody.
struct Case {
  const char* name;
  void (*kernel)(float* y, const float* x);
  unsigned blocks = 1;
  unsigned cluster = 1;
  bool cooperative = false;
  std::size_t shared_bytes = 0;
  Expected expected = nullptr;  ///< null: values are not looked at
  int outputs = kThreads;       ///< elements that are
  const char* plain = "";
  const char* asan = "";  ///< AddressSanitizer and UndefinedBehaviorSanitizer
  const char* tsan = "";
  bool right = false;  ///< must not be noticed by anybody in any order
};

inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> barrier_cases();
std::vector<Case> memory_cases();
std::vector<Case> warp_cases();
std::vector<Case> cluster_cases();
std::vector<Case> copy_cases();
std::vector<Case> mbarrier_cases();

inline float same(const float* x, int i) { return x[i % kThreads]; }
inline float reversed(const float* x, int i) { return x[kThreads - 1 - i % kThreads]; }
inline float neighbour(const float* x, int i) { return x[i ^ 1]; }
/// Of two blocks, each finds what the other made: x plus the other's number.
inline float other_block(const float* x, int i) {
  return x[i % kThreads] + static_cast<float>(1 - i / kThreads);
}

}  // namespace cadenza::test
