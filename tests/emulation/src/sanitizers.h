// SPDX-License-Identifier: Apache-2.0
// What the runtime tells the sanitizers: forbidden memory to AddressSanitizer, order between
// threads to ThreadSanitizer. Without them these are nothing. The runtime itself is not
// instrumented under ThreadSanitizer (CADENZA_EMULATION_TSAN then says that the kernels are).
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define CADENZA_EMULATION_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CADENZA_EMULATION_ASAN 1
#endif
#endif

#ifdef CADENZA_EMULATION_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef CADENZA_EMULATION_TSAN
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_set_fiber_name(void* fiber, const char* name);
void __tsan_acquire(void* variable);
void __tsan_release(void* variable);
void __tsan_ignore_thread_begin();
void __tsan_ignore_thread_end();
}
#endif

namespace cadenza::emulation {

#ifdef CADENZA_EMULATION_ASAN
inline constexpr bool kPoisons = true;
inline void poison(const void* memory, std::size_t bytes) {
  __asan_poison_memory_region(memory, bytes);
}
inline void unpoison(const void* memory, std::size_t bytes) {
  __asan_unpoison_memory_region(memory, bytes);
}
#else
inline constexpr bool kPoisons = false;
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
#endif

#ifdef CADENZA_EMULATION_TSAN
inline constexpr bool kFindsRaces = true;
/// What this thread did before is ordered before what a thread does after acquire() of the same.
inline void release(void* variable) { __tsan_release(variable); }
inline void acquire(void* variable) { __tsan_acquire(variable); }
/// The runtime's own memory accesses are not the kernel's.
struct Unobserved {
  Unobserved() { __tsan_ignore_thread_begin(); }
  ~Unobserved() { __tsan_ignore_thread_end(); }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;
};
#else
inline constexpr bool kFindsRaces = false;
inline void release(void*) {}
inline void acquire(void*) {}
struct Unobserved {
  Unobserved() {}  // not trivial, so that it may stand unused
};
#endif

}  // namespace cadenza::emulation
