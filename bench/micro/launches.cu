// SPDX-License-Identifier: Apache-2.0
// 8: time of a kernel that does next to nothing but needs its predecessor: as a node of a graph and
// launched into a stream, plain and with programmatic dependent launch.
#include <chrono>

#include "bench/micro/benchmarks.h"
#include "bench/micro/event_timer.h"
#include "bench/micro/probe.h"

namespace cadenza::micro {
namespace {

enum class Dependence { kPlain, kProgrammatic };

constexpr int kNodes = 512;
constexpr int kRepetitions = 9;
constexpr unsigned kThreads = 256;

/// mapping: thread = one counter. limits: with kProgrammatic its launch overlaps the end of the
/// kernel before it, whose writes it waits for.
template <Dependence kDependence>
__global__ void __launch_bounds__(kThreads) count_kernel(int* counters) {
  if constexpr (kDependence == Dependence::kProgrammatic) {
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
    asm volatile("griddepcontrol.wait;" ::: "memory");
  }
  counters[blockIdx.x * kThreads + threadIdx.x] += 1;
}

template <Dependence kDependence>
void launch_one(unsigned blocks, cudaStream_t stream, int* counters) {
  cudaLaunchAttribute programmatic = {};
  programmatic.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  programmatic.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(kThreads);
  config.stream = stream;
  config.attrs = &programmatic;
  config.numAttrs = kDependence == Dependence::kProgrammatic ? 1 : 0;
  CADENZA_CUDA_CHECK(cudaLaunchKernelEx(&config, count_kernel<kDependence>, counters));
}

template <Dependence kDependence>
cuda::GraphExec capture(unsigned blocks, cudaStream_t stream, int* counters) {
  cudaGraph_t graph = nullptr;
  CADENZA_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int node = 0; node < kNodes; ++node) launch_one<kDependence>(blocks, stream, counters);
  CADENZA_CUDA_CHECK(cudaStreamEndCapture(stream, &graph));
  const cuda::Graph owner(graph);
  cudaGraphExec_t executable = nullptr;
  CADENZA_CUDA_CHECK(cudaGraphInstantiate(&executable, graph, 0));
  return cuda::GraphExec(executable);
}

void check_counts(const DeviceArray<int>& counters) {
  const int expected = kNodes * (kRepetitions + 1);
  const int got = counters.download().front();
  check(got == expected, "launches: a counter is ", got, ", expected ", expected);
}

template <Dependence kDependence>
void run_graph(const char* dependence, unsigned blocks) {
  Row row("launches");
  row.add("in", "graph").add("dependence", dependence).add("blocks", blocks);
  attempt(row, [&] {
    const cuda::Stream stream = cuda::make_stream();
    const DeviceArray<int> counters(std::size_t{blocks} * kThreads);
    const cuda::GraphExec graph = capture<kDependence>(blocks, stream.get(), counters.get());
    const EventTimer timer;
    std::vector<double> seconds;
    for (int repetition = -1; repetition < kRepetitions; ++repetition) {
      const double time = timer.measure(
          stream.get(), [&] { CADENZA_CUDA_CHECK(cudaGraphLaunch(graph.get(), stream.get())); });
      if (repetition >= 0) seconds.push_back(time);
    }
    check_counts(counters);
    row.value(1e6 * median(seconds) / kNodes, "us/kernel",
              kDependence == Dependence::kPlain ? "1.4" : "below 1");
  });
}

template <Dependence kDependence>
void run_stream(const char* dependence, unsigned blocks) {
  Row row("launches");
  row.add("in", "stream").add("dependence", dependence).add("blocks", blocks);
  attempt(row, [&] {
    const cuda::Stream stream = cuda::make_stream();
    const DeviceArray<int> counters(std::size_t{blocks} * kThreads);
    const EventTimer timer;
    std::vector<double> seconds, host;
    for (int repetition = -1; repetition < kRepetitions; ++repetition) {
      const double time = timer.measure(stream.get(), [&] {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < kNodes; ++i) {
          launch_one<kDependence>(blocks, stream.get(), counters.get());
        }
        const std::chrono::duration<double> issued = std::chrono::steady_clock::now() - begin;
        host.push_back(issued.count());
      });
      if (repetition >= 0) seconds.push_back(time);
    }
    check_counts(counters);
    Row(row).add("time", "device").value(1e6 * median(seconds) / kNodes, "us/kernel", "2-4");
    Row(row).add("time", "host").value(1e6 * median(host) / kNodes, "us/kernel", "2-4");
  });
}

}  // namespace

void bench_launches() {
  for (const unsigned blocks : {1u, static_cast<unsigned>(sm_count())}) {
    run_graph<Dependence::kPlain>("plain", blocks);
    run_graph<Dependence::kProgrammatic>("programmatic", blocks);
    run_stream<Dependence::kPlain>("plain", blocks);
    run_stream<Dependence::kProgrammatic>("programmatic", blocks);
  }
}

}  // namespace cadenza::micro
