// SPDX-License-Identifier: Apache-2.0
// 9: cuDNN's recurrent layers, its standard algorithm against the persistent one, with as many
// inputs as hidden units; and the stacks of the record models in fp32, which the cudnn backend is
// held against. All samples begin with the caches flushed, as the backend's do.
#include <cudnn.h>

#include <memory>
#include <random>

#include "bench/micro/benchmarks.h"
#include "bench/micro/event_timer.h"
#include "bench/micro/probe.h"
#include "bench/shapes.h"

namespace cadenza::micro {
namespace {

void throw_if_failed(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw DeviceError(message(call, " failed: ", cudnnGetErrorString(status)));
}

#define CADENZA_MICRO_CUDNN(call) throw_if_failed((call), #call)

using Handle = cuda::UniqueHandle<cudnnHandle_t, cudnnDestroy>;
using Rnn = cuda::UniqueHandle<cudnnRNNDescriptor_t, cudnnDestroyRNNDescriptor>;
using Data = cuda::UniqueHandle<cudnnRNNDataDescriptor_t, cudnnDestroyRNNDataDescriptor>;
using State = cuda::UniqueHandle<cudnnTensorDescriptor_t, cudnnDestroyTensorDescriptor>;

struct Case {
  cudnnRNNAlgo_t algorithm;
  cudnnRNNMode_t cell;
  cudnnDataType_t type;
  int layers, hidden, batch, steps;
};

using Bytes = DeviceArray<unsigned char>;

/// Values of type T: the bits of `base` with random ones where `mask` has ones.
template <typename T>
void fill_random(const Bytes& array, std::size_t bytes, std::uint32_t base, std::uint32_t mask) {
  std::mt19937 generator(1);
  std::vector<T> values(bytes / sizeof(T));
  for (T& value : values) value = static_cast<T>(base | (generator() & mask));
  CADENZA_CUDA_CHECK(cudaMemcpy(array.get(), values.data(), bytes, cudaMemcpyHostToDevice));
}

/// Values in +-[0.03, 0.0625).
void fill_random(const Bytes& array, std::size_t bytes, cudnnDataType_t type) {
  if (type == CUDNN_DATA_FLOAT) {
    fill_random<std::uint32_t>(array, bytes, 0x3D000000u, 0x807FFFFFu);
  } else if (type == CUDNN_DATA_HALF) {
    fill_random<std::uint16_t>(array, bytes, 0x2800u, 0x83FFu);
  } else {
    fill_random<std::uint16_t>(array, bytes, 0x3D00u, 0x807Fu);
  }
}

/// Descriptors and memory of one case.
class Layers {
 public:
  Layers(cudnnHandle_t handle, const Case& c)
      : handle_(handle),
        bytes_((c.type == CUDNN_DATA_FLOAT ? 4u : 2u) * static_cast<std::size_t>(c.steps) *
               static_cast<std::size_t>(c.batch) * static_cast<std::size_t>(c.hidden)) {
    const cudnnMathType_t math = c.type == CUDNN_DATA_FLOAT ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH;
    cudnnRNNDescriptor_t rnn = nullptr;
    CADENZA_MICRO_CUDNN(cudnnCreateRNNDescriptor(&rnn));
    rnn_ = Rnn(rnn);
    CADENZA_MICRO_CUDNN(cudnnSetRNNDescriptor_v8(
        rnn, c.algorithm, c.cell, CUDNN_RNN_DOUBLE_BIAS, CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT,
        c.type, CUDNN_DATA_FLOAT, math, c.hidden, c.hidden, c.hidden, c.layers, nullptr, 0));
    cudnnRNNDataDescriptor_t data = nullptr;
    CADENZA_MICRO_CUDNN(cudnnCreateRNNDataDescriptor(&data));
    data_ = Data(data);
    const std::vector<int> lengths(static_cast<std::size_t>(c.batch), c.steps);
    CADENZA_MICRO_CUDNN(cudnnSetRNNDataDescriptor(data, c.type,
                                                  CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, c.steps,
                                                  c.batch, c.hidden, lengths.data(), nullptr));
    cudnnTensorDescriptor_t state = nullptr;
    CADENZA_MICRO_CUDNN(cudnnCreateTensorDescriptor(&state));
    state_ = State(state);
    const int extents[] = {c.layers, c.batch, c.hidden};
    const int strides[] = {c.batch * c.hidden, c.hidden, 1};
    CADENZA_MICRO_CUDNN(cudnnSetTensorNdDescriptor(state, c.type, 3, extents, strides));
    CADENZA_MICRO_CUDNN(cudnnGetRNNTempSpaceSizes(handle, rnn, CUDNN_FWD_MODE_TRAINING, data,
                                                  &work_bytes_, &reserve_bytes_));
    CADENZA_MICRO_CUDNN(cudnnGetRNNWeightSpaceSize(handle, rnn, &weight_bytes_));
    allocate(c.type);
  }

  void forward() {
    CADENZA_MICRO_CUDNN(cudnnRNNForward(
        handle_, rnn_.get(), CUDNN_FWD_MODE_TRAINING, nullptr, data_.get(), x_->get(), data_.get(),
        y_->get(), state_.get(), nullptr, nullptr, state_.get(), nullptr, nullptr, weight_bytes_,
        weights_->get(), work_bytes_, work_->get(), reserve_bytes_, reserve_->get()));
  }
  void backward() {
    CADENZA_MICRO_CUDNN(cudnnRNNBackwardData_v8(
        handle_, rnn_.get(), nullptr, data_.get(), y_->get(), dy_->get(), data_.get(), dx_->get(),
        state_.get(), nullptr, nullptr, nullptr, state_.get(), nullptr, nullptr, nullptr,
        weight_bytes_, weights_->get(), work_bytes_, work_->get(), reserve_bytes_,
        reserve_->get()));
    CADENZA_MICRO_CUDNN(cudnnRNNBackwardWeights_v8(
        handle_, rnn_.get(), CUDNN_WGRAD_MODE_ADD, nullptr, data_.get(), x_->get(), state_.get(),
        nullptr, data_.get(), y_->get(), weight_bytes_, d_weights_->get(), work_bytes_,
        work_->get(), reserve_bytes_, reserve_->get()));
  }

 private:
  using Memory = std::unique_ptr<Bytes>;

  void allocate(cudnnDataType_t type) {
    const auto memory = [](std::size_t bytes) { return std::make_unique<Bytes>(bytes + 1); };
    x_ = memory(bytes_), y_ = memory(bytes_), dx_ = memory(bytes_), dy_ = memory(bytes_);
    weights_ = memory(weight_bytes_), d_weights_ = memory(weight_bytes_);
    work_ = memory(work_bytes_), reserve_ = memory(reserve_bytes_);
    fill_random(*x_, bytes_, type);
    fill_random(*dy_, bytes_, type);
    fill_random(*weights_, weight_bytes_, type);
  }

  cudnnHandle_t handle_;
  std::size_t bytes_, work_bytes_ = 0, reserve_bytes_ = 0, weight_bytes_ = 0;
  Rnn rnn_;
  Data data_;
  State state_;
  Memory x_, y_, dx_, dy_, weights_, d_weights_, work_, reserve_;
};

const char* name_of(cudnnDataType_t type) {
  if (type == CUDNN_DATA_FLOAT) return "fp32";
  return type == CUDNN_DATA_HALF ? "fp16" : "bf16";
}

void run_case(cudnnHandle_t handle, Bytes& flushed, const Case& c) {
  Row row("cudnn");
  row.add("algorithm", c.algorithm == CUDNN_RNN_ALGO_STANDARD ? "standard" : "persistent static");
  row.add("cell", c.cell == CUDNN_LSTM ? "lstm" : "gru");
  row.add("precision", name_of(c.type)).add("layers", c.layers);
  row.add("H", c.hidden).add("B", c.batch).add("T", c.steps);
  try {
    Layers layers(handle, c);
    const EventTimer timer;
    std::vector<double> forward, both;
    for (int repetition = -2; repetition < 5; ++repetition) {
      flushed.clear();
      const double first = timer.measure(nullptr, [&] { layers.forward(); });
      flushed.clear();
      const double second = timer.measure(nullptr, [&] {
        layers.forward();
        layers.backward();
      });
      if (repetition < 0) continue;
      forward.push_back(first);
      both.push_back(second);
    }
    Row(row).add("pass", "forward").value(1e6 * median(forward), "us", "");
    Row(row).add("pass", "forward and backward").value(1e6 * median(both), "us", "");
  } catch (const DeviceError& error) {
    row.skipped(error.what());
    static_cast<void>(cudaGetLastError());
  }
}

}  // namespace

void bench_cudnn() {
  cudnnHandle_t raw = nullptr;
  CADENZA_MICRO_CUDNN(cudnnCreate(&raw));
  const Handle handle(raw);
  Bytes flushed(4 * static_cast<std::size_t>(attribute(cudaDevAttrL2CacheSize)));
  constexpr cudnnRNNAlgo_t kAlgorithms[] = {CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC};
  for (const bench::RecordModel& model : bench::kRecordModels) {
    for (const int batch : {64, 256}) {
      for (const cudnnRNNAlgo_t algorithm : kAlgorithms) {
        run_case(raw, flushed,
                 {algorithm, CUDNN_LSTM, CUDNN_DATA_FLOAT, model.layers,
                  static_cast<int>(model.hidden), batch, 256});
      }
    }
  }
  for (const cudnnRNNAlgo_t algorithm : kAlgorithms) {
    run_case(raw, flushed, {algorithm, CUDNN_LSTM, CUDNN_DATA_HALF, 1, 768, 16, 1024});
    for (const int hidden : {256, 512, 768, 1024}) {
      for (const int batch : {16, 64, 256}) {
        run_case(raw, flushed, {algorithm, CUDNN_LSTM, CUDNN_DATA_HALF, 1, hidden, batch, 256});
        run_case(raw, flushed, {algorithm, CUDNN_LSTM, CUDNN_DATA_BFLOAT16, 1, hidden, batch, 256});
        run_case(raw, flushed, {algorithm, CUDNN_GRU, CUDNN_DATA_HALF, 1, hidden, batch, 256});
      }
    }
  }
}

}  // namespace cadenza::micro
