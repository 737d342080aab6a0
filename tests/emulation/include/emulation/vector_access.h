// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/vector_access.h.
#pragma once

#include <cstdint>
#include <type_traits>

#include "emulation/device.h"

namespace cadenza::kernels {

template <typename Vector>
Vector load_vector(const Vector* address, emulation::Location at = emulation::Location::here()) {
  if (reinterpret_cast<std::uintptr_t>(address) % sizeof(Vector) != 0) {
    emulation::fail("misaligned vector load", at);
  }
  return *address;
}

template <typename Vector>
void store_vector(Vector* address, std::type_identity_t<Vector> value,
                  emulation::Location at = emulation::Location::here()) {
  if (reinterpret_cast<std::uintptr_t>(address) % sizeof(Vector) != 0) {
    emulation::fail("misaligned vector store", at);
  }
  *address = value;
}

}  // namespace cadenza::kernels
