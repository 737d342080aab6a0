// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sanitizers make a test 10 to 100 times slower. Those that repeat one thing a million times do it
// less often then, and say so.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CADENZA_TEST_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define CADENZA_TEST_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CADENZA_TEST_ADDRESS_SANITIZER
#elif defined(__SANITIZE_THREAD__)
#define CADENZA_TEST_THREAD_SANITIZER
#endif

namespace cadenza::test {

/// By what such a test divides its repetitions.
#if defined(CADENZA_TEST_ADDRESS_SANITIZER)
inline constexpr int kSanitizerCut = 25;
inline constexpr const char* kSanitizerNote = " (one of 25, under AddressSanitizer)";
#elif defined(CADENZA_TEST_THREAD_SANITIZER)
inline constexpr int kSanitizerCut = 125;
inline constexpr const char* kSanitizerNote = " (one of 125, under ThreadSanitizer)";
#else
inline constexpr int kSanitizerCut = 1;
inline constexpr const char* kSanitizerNote = "";
#endif
inline constexpr bool kSanitized = kSanitizerCut > 1;

}  // namespace cadenza::test
