// SPDX-License-Identifier: Apache-2.0
// A million rows of every backend against sample_row(), in every bit of every output.
#include <gtest/gtest.h>

#include <iostream>
#include <tuple>
#include <vector>

#include "sampling/backend_draw.h"
#include "support/sanitizer.h"

namespace cadenza::test {
namespace {

constexpr std::size_t kNarrow[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  12, 13,
                                   15, 16, 17, 20, 23, 24, 25, 28, 29, 31, 32};
constexpr std::size_t kMedium[] = {33,  36,  50,  63,  64,  65,  88,  127, 128,  129,
                                   200, 255, 257, 388, 500, 511, 512, 513, 1023, 1024};
constexpr std::size_t kWide[] = {1025, 1028, 1300, 2047, 2048, 2049, 3001};

/// One eighth of a million rows, nine of ten narrow.
class RandomBatches : public testing::TestWithParam<std::tuple<BackendParam, int>> {
 protected:
  void SetUp() override {
    try {
      backend_ = open(std::get<0>(GetParam()));
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }

  std::unique_ptr<Backend> backend_;
};

TEST_P(RandomBatches, HaveTheBitsOfTheReference) {
  RandomRows random(1000 + static_cast<std::uint64_t>(std::get<1>(GetParam())));
  const auto pick = [&random](const auto& from) { return from[random.bits() % std::size(from)]; };
  std::size_t rows = 0;
  for (int i = 0; i < 50; ++i) {
    // From 4,096 rows on, narrow ones share a warp.
    const std::size_t many = i % 2 == 0 ? 4'200 : 1'000;
    const bool wide = i % 10 == 9;
    const std::size_t count = (wide ? 20 : many) / kSanitizerCut + 1;
    const std::size_t vocabulary = wide ? pick(kWide) : i % 5 == 3 ? pick(kMedium) : pick(kNarrow);
    const Outputs outputs = {.log_probability = random.bits() % 4 != 0,
                             .raw_log_probability = random.bits() % 2 != 0,
                             .entropy = random.bits() % 2 != 0,
                             .status = random.bits() % 4 != 0};
    if (expect_equal(*backend_, random_batch(random, vocabulary, count), outputs) > 0) return;
    rows += count;
  }
  std::cout << rows << " rows" << kSanitizerNote << '\n';
}

/// Each way to draw once: the cudnn backend draws as the cuda backend does.
std::vector<BackendParam> drawing_backends() {
  std::vector<BackendParam> params = backends_but_reference();
  std::erase_if(params, [](const BackendParam& param) { return param.backend == "cudnn"; });
  return params;
}

std::string name_of_part(const testing::TestParamInfo<RandomBatches::ParamType>& info) {
  const auto& [param, part] = info.param;
  return param.backend + "_part" + std::to_string(part);
}

INSTANTIATE_TEST_SUITE_P(Sampler, RandomBatches,
                         testing::Combine(testing::ValuesIn(drawing_backends()),
                                          testing::Range(0, 8)),
                         name_of_part);

}  // namespace
}  // namespace cadenza::test
