// SPDX-License-Identifier: Apache-2.0
// Constants of an NVIDIA GPU that the performance model rests on.
//   gpu_micro list       names of the benchmarks
//   gpu_micro NAME...    runs them; one line of JSON a result
// Exit status: 0 finished, 1 no usable device, 2 the device reported an error, 64 usage. Waits
// inside kernels are bounded, and an alarm ends a benchmark that takes a minute.
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "bench/micro/benchmarks.h"
#include "bench/micro/probe.h"

namespace cadenza::micro {
namespace {

struct Entry {
  std::string_view name;
  void (*run)();
  bool own_kernels;  ///< which are compiled for compute capability 9.0 alone
};

constexpr Entry kEntries[] = {{"info", bench_info, false},
                              {"exchange", bench_exchange, true},
                              {"cluster_copy", bench_cluster_copy, true},
                              {"wgmma", bench_wgmma, true},
                              {"clusters", bench_clusters, true},
                              {"l2_exchange", bench_l2_exchange, true},
                              {"ingress", bench_ingress, true},
                              {"functions", bench_functions, true},
                              {"launches", bench_launches, true},
                              {"cudnn", bench_cudnn, false},
                              {"copy", bench_copy, false}};

void run(const Entry& entry) {
  const int major = attribute(cudaDevAttrComputeCapabilityMajor);
  const int minor = attribute(cudaDevAttrComputeCapabilityMinor);
  const Row row(entry.name);
  if (entry.own_kernels && (major != 9 || minor != 0)) {
    row.skipped(message("made for compute capability 9.0, this device has ", major, ".", minor));
    return;
  }
  constexpr unsigned kSeconds = 60;
  alarm(kSeconds);
  attempt(row, entry.run);
  alarm(0);
}

int main(int argc, char** argv) {
  const auto usage = [] {
    std::fprintf(stderr, "usage: gpu_micro list | gpu_micro NAME...\n");
    return 64;
  };
  if (argc < 2) return usage();
  if (std::string_view(argv[1]) == "list") {
    for (const Entry& entry : kEntries) std::printf("%s\n", entry.name.data());
    return 0;
  }
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "gpu_micro: no NVIDIA GPU to measure (%s)\n", cudaGetErrorString(status));
    return 1;
  }
  for (int i = 1; i < argc; ++i) {
    bool known = false;
    for (const Entry& entry : kEntries) {
      if (entry.name != argv[i]) continue;
      known = true;
      run(entry);
    }
    if (!known) return usage();
  }
  return 0;
}

}  // namespace
}  // namespace cadenza::micro

int main(int argc, char** argv) { return cadenza::micro::main(argc, argv); }
