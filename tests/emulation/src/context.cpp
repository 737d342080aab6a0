// SPDX-License-Identifier: Apache-2.0
#include "context.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "sanitizers.h"

// Saves what a called function must preserve on the stack it leaves and takes the same from the
// stack it enters.
extern "C" void cadenza_switch_stack(void** save_stack_pointer, void* load_stack_pointer);

#if defined(__x86_64__)
asm(R"(.text
.globl cadenza_switch_stack
.type cadenza_switch_stack,@function
cadenza_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmp *%rcx
.size cadenza_switch_stack, .-cadenza_switch_stack
)");
#elif defined(__aarch64__)
asm(R"(.text
.globl cadenza_switch_stack
.type cadenza_switch_stack,%function
cadenza_switch_stack:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size cadenza_switch_stack, .-cadenza_switch_stack
)");
#else
#error "the switch of stacks is written for x86-64 and aarch64"
#endif

namespace cadenza::emulation {
namespace {

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

constexpr int kMapping = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

// Stacks in waiting, all of one size; returned ones are taken again first, while still cached.
std::vector<char*> idle_stacks;
std::size_t idle_bytes = 0;

}  // namespace

void prepare_context(Context& context, void (*entry)()) {
  auto* top = reinterpret_cast<std::uint64_t*>(context.stack + context.stack_bytes);
#if defined(__x86_64__)
  constexpr int kSaved = 6;
  *--top = 0;  // where entry() would return to; leaves the alignment that a call leaves
  *--top = reinterpret_cast<std::uint64_t>(entry);
  for (int i = 0; i < kSaved; ++i) *--top = 0;
#else
  constexpr int kWords = 20;
  constexpr int kLinkRegister = 11;
  top -= kWords;
  for (int i = 0; i < kWords; ++i) top[i] = 0;
  top[kLinkRegister] = reinterpret_cast<std::uint64_t>(entry);
#endif
  context.stack_pointer = top;
  context.asan_stack = nullptr;
}

void switch_context(Context& from, Context& to, [[maybe_unused]] Leaving leaving) {
#ifdef CADENZA_EMULATION_ASAN
  __sanitizer_start_switch_fiber(leaving == Leaving::kForGood ? nullptr : &from.asan_stack,
                                 to.stack, to.stack_bytes);
#endif
#ifdef CADENZA_EMULATION_TSAN
  constexpr unsigned kNoOrder = 1;  // a switch alone orders nothing
  __tsan_switch_to_fiber(to.tsan_fiber, kNoOrder);
#endif
  cadenza_switch_stack(&from.stack_pointer, to.stack_pointer);
#ifdef CADENZA_EMULATION_ASAN
  __sanitizer_finish_switch_fiber(from.asan_stack, nullptr, nullptr);
#endif
}

void entered_context() {
#ifdef CADENZA_EMULATION_ASAN
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

void describe_own_stack(Context& context) {
#ifdef CADENZA_EMULATION_ASAN
  thread_local void* stack = nullptr;
  thread_local std::size_t bytes = 0;
  if (stack == nullptr) {
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &stack, &bytes);
    pthread_attr_destroy(&attributes);
  }
  context.stack = static_cast<char*>(stack);
  context.stack_bytes = bytes;
#endif
#ifdef CADENZA_EMULATION_TSAN
  context.tsan_fiber = __tsan_get_current_fiber();
#endif
  static_cast<void>(context);
}

char* take_stack(std::size_t bytes) {
  if (idle_bytes != bytes) {
    for (char* stack : idle_stacks) munmap(stack - page_bytes(), idle_bytes + page_bytes());
    idle_stacks.clear();
    idle_bytes = bytes;
  }
  if (idle_stacks.empty()) {
    void* memory = mmap(nullptr, bytes + page_bytes(), PROT_READ | PROT_WRITE, kMapping, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory, page_bytes(), PROT_NONE);
    return static_cast<char*>(memory) + page_bytes();
  }
  char* stack = idle_stacks.back();
  idle_stacks.pop_back();
  unpoison(stack, bytes);  // frames that were left without returning
  if (kFindsRaces) {
    // A new mapping makes the race detector forget the thread that used the stack before.
    mmap(stack, bytes, PROT_READ | PROT_WRITE, kMapping | MAP_FIXED, -1, 0);
  }
  return stack;
}

void return_stack(char* stack, std::size_t bytes) {
  if (bytes == idle_bytes) {
    idle_stacks.push_back(stack);
  } else {
    munmap(stack - page_bytes(), bytes + page_bytes());
  }
}

}  // namespace cadenza::emulation
