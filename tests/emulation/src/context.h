// SPDX-License-Identifier: Apache-2.0
// Stacks, and the switch from one to another.
#pragma once

#include <cstddef>

namespace cadenza::emulation {

/// A place where execution can be resumed.
struct Context {
  void* stack_pointer = nullptr;
  char* stack = nullptr;  ///< lowest address
  std::size_t stack_bytes = 0;
  void* asan_stack = nullptr;
  void* tsan_fiber = nullptr;
};

enum class Leaving { kForNow, kForGood };

/// Lets the first switch to `context`, which has a stack, call `entry`, which never returns.
void prepare_context(Context& context, void (*entry)());
/// Continues at `to`; returns when somebody switches back to `from`.
void switch_context(Context& from, Context& to, Leaving leaving);
/// The first thing an entry function calls.
void entered_context();
/// Describes the stack of the calling thread.
void describe_own_stack(Context& context);

/// A stack with a guard page below it, new or used before.
char* take_stack(std::size_t bytes);
void return_stack(char* stack, std::size_t bytes);

}  // namespace cadenza::emulation
