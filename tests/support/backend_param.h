// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "cadenza/backend.h"

namespace cadenza::test {

struct BackendParam {
  std::string backend;
  int threads = 1;
  Precision precision = Precision::fp32;
  DType dtype = DType::f32;
};

/// What tests of the contract run over. installed_backends.cpp: every backend the program knows, so
/// that a new one is tested by being in the table. emulation/backend/emulated_backends.cpp, in a
/// second executable of the same tests: the CUDA backends on an emulated device.
std::vector<BackendParam> backends_under_test();
/// DeviceError with the reason where it does not work here.
std::unique_ptr<Backend> open(const BackendParam& param);

inline std::ostream& operator<<(std::ostream& out, const BackendParam& param) {
  return out << param.backend << ' ' << name_of(param.precision) << " threads=" << param.threads;
}

inline std::string name_of_param(const testing::TestParamInfo<BackendParam>& info) {
  const bool wide = info.param.dtype == DType::f64;
  return info.param.backend + "_" + (wide ? "f64" : std::string(name_of(info.param.precision))) +
         "_threads" + std::to_string(info.param.threads);
}

/// In true f32, where results are compared closely.
inline std::vector<BackendParam> every_backend() {
  std::vector<BackendParam> params = backends_under_test();
  std::erase_if(params,
                [](const BackendParam& param) { return param.precision != Precision::fp32; });
  return params;
}

/// Those that are measured by the reference, in every precision.
inline std::vector<BackendParam> every_backend_but_reference() {
  std::vector<BackendParam> params = backends_under_test();
  std::erase_if(params, [](const BackendParam& param) { return param.backend == "reference"; });
  return params;
}

/// Fixture that makes the backend, or skips with the reason why it does not work here.
class BackendTest : public testing::TestWithParam<BackendParam> {
 protected:
  void SetUp() override {
    try {
      backend_ = open(GetParam());
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  Backend& backend() { return *backend_; }

 private:
  std::unique_ptr<Backend> backend_;
};

}  // namespace cadenza::test
