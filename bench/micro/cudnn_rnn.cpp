// SPDX-License-Identifier: Apache-2.0
// 9: cuDNN's recurrent layer, its standard algorithm against the persistent one, one layer with as
// many inputs as hidden units.
#include <cudnn.h>

#include <memory>
#include <random>

#include "bench/micro/benchmarks.h"
#include "bench/micro/event_timer.h"
#include "bench/micro/probe.h"

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
  int hidden, batch, steps;
};

/// 16-bit values in +-[0.03, 0.06).
void fill_random(const DeviceArray<std::uint16_t>& array, std::size_t count, cudnnDataType_t type) {
  std::mt19937 generator(1);
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) {
    const std::uint32_t bits = generator();
    value = static_cast<std::uint16_t>(type == CUDNN_DATA_HALF ? 0x2800u | (bits & 0x83FFu)
                                                               : 0x3D00u | (bits & 0x807Fu));
  }
  CADENZA_CUDA_CHECK(cudaMemcpy(array.get(), values.data(), 2 * count, cudaMemcpyHostToDevice));
}

/// Descriptors and memory of one case.
class Layer {
 public:
  Layer(cudnnHandle_t handle, const Case& c)
      : handle_(handle), count_(static_cast<std::size_t>(c.steps) * c.batch * c.hidden) {
    cudnnRNNDescriptor_t rnn = nullptr;
    CADENZA_MICRO_CUDNN(cudnnCreateRNNDescriptor(&rnn));
    rnn_ = Rnn(rnn);
    CADENZA_MICRO_CUDNN(cudnnSetRNNDescriptor_v8(rnn, c.algorithm, c.cell, CUDNN_RNN_DOUBLE_BIAS,
                                                 CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, c.type,
                                                 CUDNN_DATA_FLOAT, CUDNN_TENSOR_OP_MATH, c.hidden,
                                                 c.hidden, c.hidden, 1, nullptr, 0));
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
    const int extents[] = {1, c.batch, c.hidden};
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
  using Values = std::unique_ptr<DeviceArray<std::uint16_t>>;
  using Bytes = std::unique_ptr<DeviceArray<unsigned char>>;

  void allocate(cudnnDataType_t type) {
    const auto values = [](std::size_t count) {
      return std::make_unique<DeviceArray<std::uint16_t>>(count);
    };
    const auto bytes = [](std::size_t count) {
      return std::make_unique<DeviceArray<unsigned char>>(count + 1);
    };
    x_ = values(count_), y_ = values(count_), dx_ = values(count_), dy_ = values(count_);
    weights_ = values(weight_bytes_ / 2), d_weights_ = values(weight_bytes_ / 2);
    work_ = bytes(work_bytes_), reserve_ = bytes(reserve_bytes_);
    fill_random(*x_, count_, type);
    fill_random(*dy_, count_, type);
    fill_random(*weights_, weight_bytes_ / 2, type);
  }

  cudnnHandle_t handle_;
  std::size_t count_, work_bytes_ = 0, reserve_bytes_ = 0, weight_bytes_ = 0;
  Rnn rnn_;
  Data data_;
  State state_;
  Values x_, y_, dx_, dy_, weights_, d_weights_;
  Bytes work_, reserve_;
};

void run_case(cudnnHandle_t handle, const Case& c) {
  Row row("cudnn");
  row.add("algorithm", c.algorithm == CUDNN_RNN_ALGO_STANDARD ? "standard" : "persistent static");
  row.add("cell", c.cell == CUDNN_LSTM ? "lstm" : "gru");
  row.add("precision", c.type == CUDNN_DATA_HALF ? "fp16" : "bf16");
  row.add("H", c.hidden).add("B", c.batch).add("T", c.steps);
  try {
    Layer layer(handle, c);
    const EventTimer timer;
    std::vector<double> forward, both;
    for (int repetition = -2; repetition < 5; ++repetition) {
      const double first = timer.measure(nullptr, [&] { layer.forward(); });
      const double second = timer.measure(nullptr, [&] { layer.backward(); });
      if (repetition < 0) continue;
      forward.push_back(first);
      both.push_back(first + second);
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
  for (const cudnnRNNAlgo_t algorithm : {CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC}) {
    run_case(raw, {algorithm, CUDNN_LSTM, CUDNN_DATA_HALF, 768, 16, 1024});
    for (const int hidden : {256, 512, 768, 1024}) {
      for (const int batch : {16, 64, 256}) {
        run_case(raw, {algorithm, CUDNN_LSTM, CUDNN_DATA_HALF, hidden, batch, 256});
        run_case(raw, {algorithm, CUDNN_LSTM, CUDNN_DATA_BFLOAT16, hidden, batch, 256});
        run_case(raw, {algorithm, CUDNN_GRU, CUDNN_DATA_HALF, hidden, batch, 256});
      }
    }
  }
}

}  // namespace cadenza::micro
