// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cadenza/safetensors.h"
#include "support/backend_param.h"
#include "support/compare.h"

// Arrays made by PyTorch (tests/golden/make_torch_goldens.py).

namespace cadenza::test {

/// From tests/golden, or $CADENZA_GOLDEN where this executable was carried away from it.
inline SafetensorsReader open_golden(const std::string& name) {
  const char* const carried = std::getenv("CADENZA_GOLDEN");
  const std::string folder = carried != nullptr ? carried : CADENZA_TEST_GOLDEN_DIR;
  return SafetensorsReader(folder + "/torch_" + name + ".safetensors");
}

inline Shape shape_of(const std::vector<std::int64_t>& extents) {
  switch (extents.size()) {
    case 1:
      return {extents[0]};
    case 2:
      return {extents[0], extents[1]};
    case 3:
      return {extents[0], extents[1], extents[2]};
    default:
      return {extents.at(0), extents.at(1), extents.at(2), extents.at(3)};
  }
}

inline HostArray array_in(const SafetensorsReader& file, const std::string& name) {
  const FileArray& array = file.at(name);
  if (array.dtype == DType::f64) return {shape_of(array.shape), DType::f64, array.as<double>()};
  const auto ids = array.as<std::int32_t>();
  return {shape_of(array.shape), DType::i32, {ids.begin(), ids.end()}};
}

/// Every backend in f32, and the reference, where it is under test, in f64 as well.
inline std::vector<BackendParam> every_backend_and_dtype() {
  std::vector<BackendParam> params = every_backend();
  if (std::any_of(params.begin(), params.end(),
                  [](const BackendParam& param) { return param.backend == "reference"; })) {
    params.push_back({.backend = "reference", .dtype = DType::f64});
  }
  return params;
}

class TorchGolden : public BackendTest {
 protected:
  DType dtype() const { return GetParam().dtype; }
  void expect_close(const std::string& op, const std::string& name, const HostArray& expected,
                    const HostArray& got, double tolerance) const {
    EXPECT_TRUE(close({op, GetParam().backend, dtype(), 0}, name, expected, got, tolerance));
  }
};

}  // namespace cadenza::test
