// SPDX-License-Identifier: Apache-2.0
#pragma once

// Include before any Highway header. Vector files are compiled for AVX2, AVX-512, NEON and the
// portable baseline. All of them can round a multiply-add once (the baseline through std::fma), so
// every target gives the same bits; the older x86 sets cannot, and the scalable ones have vectors
// that no register tile can hold. Files that define CADENZA_WITH_AVX3_DL before are compiled for
// AVX-512 with VNNI too, whose vectors are as wide, so that these and other files agree on panels.
// Under sanitizers, which make these files slow to compile, AVX2 speaks for AVX-512.
#ifdef CADENZA_SANITIZED
#define CADENZA_DISABLED_TARGETS (HWY_AVX3 | HWY_AVX3_DL)
#elif defined(CADENZA_WITH_AVX3_DL)
#define HWY_WANT_AVX3_DL
#define CADENZA_DISABLED_TARGETS 0
#else
#define CADENZA_DISABLED_TARGETS HWY_AVX3_DL
#endif
#define HWY_DISABLED_TARGETS                                                              \
  (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | \
   CADENZA_DISABLED_TARGETS)
