// SPDX-License-Identifier: Apache-2.0
#include "add_kernel.h"
#include "cadenza/error.h"

namespace cadenza::test {
namespace {

constexpr int kCount = 100;

/// Runs every test with eager and with lazy streams.
class Graph : public EmulationTest, public testing::WithParamInterface<emulation::Streams> {
 protected:
  Graph() {
    emulation::config().streams = GetParam();
    cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&branch_, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming);
    cudaEventCreateWithFlags(&join_, cudaEventDisableTiming);
    cudaDeviceSynchronize();
  }
  ~Graph() override {
    cudaEventDestroy(fork_);
    cudaEventDestroy(join_);
    cudaStreamDestroy(stream_);
    cudaStreamDestroy(branch_);
  }

  void begin() {
    ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), cudaSuccess);
  }
  cudaGraph_t end() {
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
    return graph;
  }
  /// The graph of y += value.
  cudaGraph_t graph_of_adding(float value) {
    begin();
    add(y_.get(), kCount, value, stream_);
    return end();
  }
  float first() {
    cudaStreamSynchronize(stream_);
    return y_.values()[0];
  }

  DeviceFloats y_{kCount};
  DeviceFloats z_{kCount};
  cudaStream_t stream_ = nullptr;
  cudaStream_t branch_ = nullptr;
  cudaEvent_t fork_ = nullptr;
  cudaEvent_t join_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Emulation, Graph,
                         testing::Values(emulation::Streams::kEager, emulation::Streams::kLazy),
                         [](const auto& test) {
                           return test.param == emulation::Streams::kLazy ? "Lazy" : "Eager";
                         });

TEST_P(Graph, RunsNothingWhileCaptured) {
  cudaGraph_t graph = graph_of_adding(1.0F);
  EXPECT_EQ(first(), 0.0F);
  std::size_t nodes = 0;
  EXPECT_EQ(cudaGraphGetNodes(graph, nullptr, &nodes), cudaSuccess);
  EXPECT_EQ(nodes, 1U);
  cudaGraphDestroy(graph);
}

TEST_P(Graph, ReplaysKernelsCopiesAndFills) {
  float* pinned = nullptr;
  cudaMallocHost(reinterpret_cast<void**>(&pinned), y_.bytes());
  for (int i = 0; i < kCount; ++i) pinned[i] = 10.0F;
  begin();
  cudaMemcpyAsync(y_.get(), pinned, y_.bytes(), cudaMemcpyHostToDevice, stream_);
  add(y_.get(), kCount, 1.0F, stream_);
  cudaMemsetAsync(z_.get(), 0, z_.bytes(), stream_);
  copy_elements(z_.get(), y_.get(), kCount / 2, stream_);
  cudaGraph_t graph = end();
  cudaGraphExec_t exec = nullptr;
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph), cudaSuccess);
  cudaGraphDestroy(graph);
  for (const float from : {10.0F, 20.0F}) {  // what pinned memory holds at the time of the launch
    pinned[0] = from;
    ASSERT_EQ(cudaGraphLaunch(exec, stream_), cudaSuccess);
    cudaStreamSynchronize(stream_);
    EXPECT_EQ(z_.values()[0], from + 1.0F);
    EXPECT_EQ(z_.values()[kCount - 1], 0.0F);
  }
  cudaGraphExecDestroy(exec);
  cudaFreeHost(pinned);
}

TEST_P(Graph, TakesNewArgumentsInPlace) {
  cudaGraph_t one = graph_of_adding(1.0F);
  cudaGraph_t five = graph_of_adding(5.0F);
  cudaGraphExec_t exec = nullptr;
  cudaGraphInstantiate(&exec, one);
  cudaGraphExecUpdateResultInfo result = {};
  EXPECT_EQ(cudaGraphExecUpdate(exec, five, &result), cudaSuccess);
  EXPECT_EQ(result.result, cudaGraphExecUpdateSuccess);
  cudaGraphLaunch(exec, stream_);
  EXPECT_EQ(first(), 5.0F);
  cudaGraphDestroy(one);
  cudaGraphDestroy(five);
  cudaGraphExecDestroy(exec);
}

TEST_P(Graph, RefusesAnUpdateToOtherOperations) {
  cudaGraph_t adding = graph_of_adding(1.0F);
  begin();
  copy_elements(z_.get(), y_.get(), kCount, stream_);
  cudaGraph_t copying = end();
  cudaGraphExec_t exec = nullptr;
  cudaGraphInstantiate(&exec, adding);
  cudaGraphExecUpdateResultInfo result = {};
  EXPECT_EQ(cudaGraphExecUpdate(exec, copying, &result), cudaErrorGraphExecUpdateFailure);
  EXPECT_EQ(result.result, cudaGraphExecUpdateErrorTopologyChanged);
  cudaGraphLaunch(exec, stream_);  // what it was before
  EXPECT_EQ(first(), 1.0F);
  cudaGraphDestroy(adding);
  cudaGraphDestroy(copying);
  cudaGraphExecDestroy(exec);
}

TEST_P(Graph, CapturesStreamsThatEventsJoin) {
  begin();
  add(y_.get(), kCount, 2.0F, stream_);
  cudaEventRecord(fork_, stream_);
  cudaStreamWaitEvent(branch_, fork_);
  copy_elements(z_.get(), y_.get(), kCount, branch_);
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(branch_, &status);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  cudaEventRecord(join_, branch_);
  cudaStreamWaitEvent(stream_, join_);
  cudaGraph_t graph = end();
  cudaStreamIsCapturing(branch_, &status);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  cudaGraphExec_t exec = nullptr;
  cudaGraphInstantiate(&exec, graph);
  cudaGraphLaunch(exec, stream_);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(z_.values()[0], 2.0F);
  cudaGraphDestroy(graph);
  cudaGraphExecDestroy(exec);
}

TEST_P(Graph, RefusesABranchThatIsNotJoined) {
  begin();
  cudaEventRecord(fork_, stream_);
  cudaStreamWaitEvent(branch_, fork_);
  add(y_.get(), kCount, 2.0F, branch_);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(graph, nullptr);
}

TEST_P(Graph, IsSpoiledByWaitingForTheCapturedStream) {
  begin();
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
  EXPECT_THROW(add(y_.get(), kCount, 2.0F, stream_), DeviceError);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);
}

TEST_P(Graph, AllowsMemoryOnlyWhereRelaxed) {
  void* memory = nullptr;
  begin();
  EXPECT_EQ(cudaMalloc(&memory, 64), cudaSuccess);
  cudaGraphDestroy(end());
  cudaFree(memory);
  cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(cudaMalloc(&memory, 64), cudaErrorStreamCaptureUnsupported);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
}

}  // namespace
}  // namespace cadenza::test
