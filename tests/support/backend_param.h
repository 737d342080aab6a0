// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "cadenza/backend.h"

namespace cadenza::test {

/// What tests of the contract run over: every backend the program knows, so that a new one is
/// tested by being in the table.
struct BackendParam {
  std::string backend;
  DType dtype = DType::f32;
  int threads = 1;
};

inline std::ostream& operator<<(std::ostream& out, const BackendParam& param) {
  return out << param.backend << ' ' << name_of(param.dtype) << " threads=" << param.threads;
}

inline std::string name_of_param(const testing::TestParamInfo<BackendParam>& info) {
  return info.param.backend + "_" + std::string(name_of(info.param.dtype)) + "_threads" +
         std::to_string(info.param.threads);
}

/// Every backend in f32 with one thread and with two.
inline std::vector<BackendParam> every_backend() {
  std::vector<BackendParam> params;
  for (const BackendInfo& info : backends()) {
    for (const int threads : {1, 2})
      params.push_back({std::string(info.name), DType::f32, threads});
  }
  return params;
}

/// Those that are measured by the reference.
inline std::vector<BackendParam> every_backend_but_reference() {
  std::vector<BackendParam> params = every_backend();
  std::erase_if(params, [](const BackendParam& param) { return param.backend == "reference"; });
  return params;
}

/// Fixture that makes the backend, or skips with the reason why it does not work here.
class BackendTest : public testing::TestWithParam<BackendParam> {
 protected:
  void SetUp() override {
    try {
      backend_ = make_backend(GetParam().backend, {.threads = GetParam().threads});
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  Backend& backend() { return *backend_; }

 private:
  std::unique_ptr<Backend> backend_;
};

}  // namespace cadenza::test
