// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/shared.h: each array is an allocation of the running block, with
// forbidden bytes around it.
#pragma once

#include <cstddef>

#include "emulation/device.h"

#define CADENZA_SHARED(name, ...)                                                               \
  static const char cadenza_key_of_##name = 0;                                                  \
  auto& name = *static_cast<::cadenza::kernels::SharedType<__VA_ARGS__>*>(                      \
      ::cadenza::emulation::static_shared(&cadenza_key_of_##name, #name,                        \
                                          sizeof(::cadenza::kernels::SharedType<__VA_ARGS__>),  \
                                          alignof(::cadenza::kernels::SharedType<__VA_ARGS__>), \
                                          ::cadenza::emulation::Location::here()))

namespace cadenza::kernels {

class DynamicShared {
 public:
  template <typename T>
  T* take(std::size_t count, emulation::Location at = emulation::Location::here()) {
    return static_cast<T*>(emulation::dynamic_shared(count * sizeof(T), kSharedAlignment, at));
  }
};

}  // namespace cadenza::kernels
