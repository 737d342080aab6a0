// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "support/backend_param.h"
#include "support/expect_error.h"
#include "support/random_tensor.h"

namespace cadenza::test {

/// A call that must be refused, and the message or a part of it.
struct BadCall {
  const char* error;
  std::function<void(Backend&, Device&)> call;
};

inline TensorView real(Device& device, const Shape& shape) {
  return device.put(filled(shape, 0.25));
}
inline TensorView ints(Device& device, const Shape& shape) {
  return device.put(filled(shape, 0.0, DType::i32));
}

/// Makes bad calls and expects their errors.
class ContractTest : public BackendTest {
 protected:
  void expect_refusals(const std::vector<BadCall>& calls) {
    Device device(backend(), DType::f32);
    for (const BadCall& bad : calls) {
      expect_error<ArgumentError>([&] { bad.call(backend(), device); }, bad.error);
    }
  }
};

}  // namespace cadenza::test
