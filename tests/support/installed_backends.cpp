// SPDX-License-Identifier: Apache-2.0
#include "support/backend_param.h"

namespace cadenza::test {

std::vector<BackendParam> backends_under_test() {
  std::vector<BackendParam> params;
  for (const BackendInfo& info : backends()) {
    // One that does not work here is skipped, once a test.
    if (!info.available) {
      params.push_back({.backend = std::string(info.name)});
      continue;
    }
    for (const Precision precision : info.precisions) {
      params.push_back({.backend = std::string(info.name), .threads = 1, .precision = precision});
    }
    const bool threaded = info.name == "cpu" || info.name == "reference";
    if (threaded) params.push_back({.backend = std::string(info.name), .threads = 2});
  }
  return params;
}

std::unique_ptr<Backend> open(const BackendParam& param) {
  return make_backend(param.backend, {.threads = param.threads, .precision = param.precision});
}

}  // namespace cadenza::test
