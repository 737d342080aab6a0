// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>

#include "cases.h"
#include "emulation/config.h"
#include "support/sanitizer.h"

// Proves each detector of the emulation: kernels that are wrong on purpose are noticed, by the
// emulation itself or by the sanitizer of this build, and right ones are not.

// Reports are looked for, not read: names of functions would cost most of the time.
extern "C" const char* __asan_default_options() { return "symbolize=0"; }
extern "C" const char* __ubsan_default_options() { return "symbolize=0"; }
extern "C" const char* __tsan_default_options() { return "symbolize=0"; }

namespace cadenza::test {
namespace {

using emulation::config;
using emulation::Copies;
using emulation::Order;

const char* report_of_this_build(const Case& c) {
#if defined(CADENZA_TEST_ADDRESS_SANITIZER)
  return c.asan;
#elif defined(CADENZA_TEST_THREAD_SANITIZER)
  return c.tsan;
#else
  return c.plain;
#endif
}

struct Schedule {
  Order order;
  Copies copies;
};
constexpr std::array<Schedule, 5> kSchedules = {{{Order::kForward, Copies::kLazy},
                                                 {Order::kReverse, Copies::kLazy},
                                                 {Order::kReverse, Copies::kEager},
                                                 {Order::kGreedy, Copies::kLazy},
                                                 {Order::kRandom, Copies::kRandom}}};

/// What a child process that calls `function` writes, and how it ends if not by itself. A sanitizer
/// may end it at once; this process stays as it is.
std::string output_of_child(const std::function<void()>& function) {
  std::FILE* output = std::tmpfile();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(fileno(output), STDOUT_FILENO);
    dup2(fileno(output), STDERR_FILENO);
    function();
    std::fflush(nullptr);
    _exit(EXIT_SUCCESS);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::string text;
  std::rewind(output);
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) {
    text += static_cast<char>(c);
  }
  std::fclose(output);
  if (WIFSIGNALED(status)) text += "killed by signal " + std::to_string(WTERMSIG(status));
  return text;
}

cudaError_t launch(const Case& c, float* y, const float* x) {
  std::array<cudaLaunchAttribute, 2> attributes{};
  attributes[0].id = cudaLaunchAttributeClusterDimension;
  attributes[0].val.clusterDim = {c.cluster, 1, 1};
  attributes[1].id = cudaLaunchAttributeCooperative;
  attributes[1].val.cooperative = c.cooperative ? 1 : 0;
  cudaLaunchConfig_t launch_config{};
  launch_config.gridDim = dim3(c.blocks);
  launch_config.blockDim = dim3(kThreads);
  launch_config.dynamicSmemBytes = c.shared_bytes;
  launch_config.attrs = attributes.data();
  launch_config.numAttrs = 2;
  return cudaLaunchKernelEx(&launch_config, c.kernel, y, x);
}

/// Prints nothing if the kernel is not found to be wrong.
void run(const Case& c) {
  std::array<float, kThreads> x;
  std::iota(x.begin(), x.end(), 1.0F);
  std::array<float, kOutputs> y;
  float* device_x = nullptr;
  float* device_y = nullptr;
  cudaMalloc(&device_x, sizeof x);
  cudaMalloc(&device_y, sizeof y);
  cudaMemcpy(device_x, x.data(), sizeof x, cudaMemcpyHostToDevice);
  if (launch(c, device_y, device_x) != cudaSuccess) {
    std::printf("%s\n", emulation::last_report().c_str());
    return;
  }
  cudaMemcpy(y.data(), device_y, sizeof y, cudaMemcpyDeviceToHost);
  for (int i = 0; c.expected != nullptr && i < c.outputs; ++i) {
    const float expected = c.expected(x.data(), i);
    if (y[static_cast<std::size_t>(i)] == expected) continue;
    std::printf("value: y[%d] = %g, expected %g\n", i,
                static_cast<double>(y[static_cast<std::size_t>(i)]), static_cast<double>(expected));
    return;
  }
}

std::string output_in_order(const Case& c, const Schedule& schedule) {
  return output_of_child([&] {
    config().order = schedule.order;
    config().copies = schedule.copies;
    config().spin_limit = 20000;
    run(c);
  });
}

class Detectors : public testing::TestWithParam<Case> {};

// In at least one order. A mistake that this build is not said to notice passes.
TEST_P(Detectors, NoticeWhatIsWrong) {
  const Case& c = GetParam();
  const std::string report = report_of_this_build(c);
  std::string outputs;
  for (const Schedule& schedule : kSchedules) {
    const std::string output = output_in_order(c, schedule);
    if (c.right) {
      EXPECT_EQ(output, "");
    } else if (output.find(report) != std::string::npos) {
      return;
    }
    outputs += output + "\n---\n";
  }
  EXPECT_TRUE(c.right) << "expected '" << report << "' in one of\n" << outputs;
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& cases : {barrier_cases(), memory_cases(), warp_cases(), cluster_cases(),
                            copy_cases(), mbarrier_cases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Emulation, Detectors, testing::ValuesIn(all_cases()),
                         [](const auto& test) { return std::string(test.param.name); });

#ifdef CADENZA_TEST_ADDRESS_SANITIZER
TEST(Detectors, NoticeAHostThatFollowsADevicePointer) {
  const std::string output = output_of_child([] {
    float* y = nullptr;
    cudaMalloc(&y, sizeof(float));
    *y = 1.0F;
  });
  EXPECT_NE(output.find("use-after-poison"), std::string::npos) << output;
}
#endif

TEST(Detectors, EveryMistakeIsNoticedInSomeBuild) {
  for (const Case& c : all_cases()) {
    const std::string all = std::string(c.plain) + c.asan + c.tsan;
    EXPECT_NE(all.empty(), !c.right) << c.name;
  }
}

}  // namespace
}  // namespace cadenza::test
