// SPDX-License-Identifier: Apache-2.0
#include "add_kernel.h"

// Lazy streams do what they must when the host waits and nothing before, so that a host that
// forgets to wait, or a stream that forgets another, is seen.

namespace cadenza::test {
namespace {

using emulation::Streams;
constexpr int kLength = 100;

class Stream : public EmulationTest {
 protected:
  Stream() {
    emulation::config().streams = Streams::kLazy;
    cudaStreamCreateWithFlags(&first_, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&second_, cudaStreamNonBlocking);
    cudaEventCreate(&event_);
    cudaMallocHost(reinterpret_cast<void**>(&pinned_), kLength * sizeof(float));
    for (int i = 0; i < kLength; ++i) pinned_[i] = 5.0F;
    cudaDeviceSynchronize();
  }
  ~Stream() override {
    cudaStreamDestroy(first_);
    cudaStreamDestroy(second_);
    if (reader_ != nullptr) cudaStreamDestroy(reader_);
    cudaEventDestroy(event_);
    cudaFreeHost(pinned_);
  }

  /// y as the host finds it after waiting for `stream` alone.
  float value_after(cudaStream_t stream) {
    cudaStreamSynchronize(stream);
    cudaStreamSynchronize(reader());
    float value = 0;
    cudaMemcpyAsync(&value, y_.get(), sizeof value, cudaMemcpyDeviceToHost, reader());
    cudaStreamSynchronize(reader());
    return value;
  }
  cudaStream_t reader() {
    if (reader_ == nullptr) cudaStreamCreateWithFlags(&reader_, cudaStreamNonBlocking);
    return reader_;
  }

  DeviceFloats x_{kLength};
  DeviceFloats y_{kLength};
  cudaStream_t first_ = nullptr;
  cudaStream_t second_ = nullptr;
  cudaStream_t reader_ = nullptr;
  cudaEvent_t event_ = nullptr;
  float* pinned_ = nullptr;
};

void set(float* y, float value, cudaStream_t stream) {
  cudaMemsetAsync(y, 0, kLength * sizeof(float), stream);
  add(y, kLength, value, stream);
}

TEST_F(Stream, RunsInOrder) {
  set(y_.get(), 2.0F, first_);
  add(y_.get(), kLength, 3.0F, first_);
  EXPECT_EQ(value_after(first_), 5.0F);
}

TEST_F(Stream, RunsOnlyWhenWaitedFor) {
  copy_elements(y_.get(), pinned_, 1, first_);
#ifdef NDEBUG  // other builds wait after each launch
  EXPECT_EQ(value_after(second_), 0.0F);
#endif
  EXPECT_EQ(value_after(first_), 5.0F);
}

// The host may change pinned memory only once the copy has run.
TEST_F(Stream, CopiesFromPinnedMemoryLate) {
  cudaMemcpyAsync(y_.get(), pinned_, sizeof(float), cudaMemcpyHostToDevice, first_);
  pinned_[0] = 9.0F;
  EXPECT_EQ(value_after(first_), 9.0F);
}

TEST_F(Stream, CopiesFromOrdinaryMemoryAtOnce) {
  float value = 3.0F;
  cudaMemcpyAsync(y_.get(), &value, sizeof value, cudaMemcpyHostToDevice, first_);
  value = 4.0F;
  EXPECT_EQ(value_after(first_), 3.0F);
}

TEST_F(Stream, FindsNothingOfAnotherStreamWithoutAnEvent) {
  cudaMemcpyAsync(x_.get(), pinned_, kLength * sizeof(float), cudaMemcpyHostToDevice, first_);
  cudaMemcpyAsync(y_.get(), x_.get(), kLength * sizeof(float), cudaMemcpyDeviceToDevice, second_);
  EXPECT_EQ(value_after(second_), 0.0F);
}

TEST_F(Stream, WaitsForAnEventOfAnotherStream) {
  cudaMemcpyAsync(x_.get(), pinned_, kLength * sizeof(float), cudaMemcpyHostToDevice, first_);
  cudaEventRecord(event_, first_);
  cudaMemsetAsync(x_.get(), 0, kLength * sizeof(float), first_);  // after the event: not waited for
  cudaStreamWaitEvent(second_, event_);
  cudaMemcpyAsync(y_.get(), x_.get(), kLength * sizeof(float), cudaMemcpyDeviceToDevice, second_);
  EXPECT_EQ(value_after(second_), 5.0F);
}

TEST_F(Stream, WaitsForTheEventAsItWasWhenAsked) {
  cudaEventRecord(event_, first_);
  cudaStreamWaitEvent(second_, event_);
  cudaMemcpyAsync(x_.get(), pinned_, kLength * sizeof(float), cudaMemcpyHostToDevice, first_);
  cudaEventRecord(event_, first_);
  cudaMemcpyAsync(y_.get(), x_.get(), kLength * sizeof(float), cudaMemcpyDeviceToDevice, second_);
  EXPECT_EQ(value_after(second_), 0.0F);
}

TEST_F(Stream, OrdersTheDefaultStreamWithBlockingStreamsOnly) {
  cudaStream_t blocking = nullptr;
  cudaStreamCreate(&blocking);
  cudaMemcpyAsync(y_.get(), pinned_, sizeof(float), cudaMemcpyHostToDevice, first_);
  cudaMemcpyAsync(y_.get() + 1, pinned_, sizeof(float), cudaMemcpyHostToDevice, blocking);
  const std::vector<float> values = y_.values();
  EXPECT_EQ(values[0], 0.0F);
  EXPECT_EQ(values[1], 5.0F);
  cudaStreamDestroy(blocking);
}

TEST_F(Stream, IsReadyAfterEnoughQueries) {
  cudaMemcpyAsync(y_.get(), pinned_, sizeof(float), cudaMemcpyHostToDevice, first_);
  cudaEventRecord(event_, first_);
  EXPECT_EQ(cudaStreamQuery(second_), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event_), cudaErrorNotReady);
  int queries = 1;
  while (cudaEventQuery(event_) == cudaErrorNotReady) ++queries;
  EXPECT_EQ(queries, 2);  // the copy and the record
  EXPECT_EQ(cudaStreamQuery(first_), cudaSuccess);
}

TEST_F(Stream, FinishesWhatItHoldsWhenItEnds) {
  cudaStream_t stream = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaMemcpyAsync(y_.get(), pinned_, sizeof(float), cudaMemcpyHostToDevice, stream);
  cudaStreamDestroy(stream);
  EXPECT_EQ(value_after(first_), 5.0F);
}

TEST_F(Stream, RunsAtOnceWhereEager) {
  emulation::config().streams = Streams::kEager;
  cudaMemcpyAsync(y_.get(), pinned_, sizeof(float), cudaMemcpyHostToDevice, first_);
  EXPECT_EQ(value_after(second_), 5.0F);
}

TEST_F(Stream, MeasuresTimeBetweenEvents) {
  cudaEvent_t end = nullptr;
  cudaEventCreate(&end);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event_, end), cudaErrorInvalidResourceHandle);
  cudaEventRecord(event_, first_);
  cudaEventRecord(end, first_);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event_, end), cudaErrorNotReady);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event_, end), cudaSuccess);
  EXPECT_GE(milliseconds, 0.0F);
  cudaEventDestroy(end);
}

}  // namespace
}  // namespace cadenza::test
