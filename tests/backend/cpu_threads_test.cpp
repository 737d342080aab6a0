// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "backend/cpu_targets.h"
#include "cadenza/backend.h"

// What the cpu backend promises beyond the contract: training gives the same bits with any number
// of threads.

namespace cadenza {
namespace {

class Training {
 public:
  explicit Training(int threads) : backend_(make_backend("cpu", {.threads = threads})) {}

  TensorView random(const Shape& shape) {
    std::vector<float> values(static_cast<std::size_t>(shape.count()));
    for (float& value : values) {
      value = static_cast<float>(generator_() % 2001) / 1000.0F - 1.0F;
    }
    return store(shape, DType::f32, std::as_bytes(std::span(values)));
  }
  TensorView integers(const Shape& shape, int limit) {
    std::vector<std::int32_t> values(static_cast<std::size_t>(shape.count()));
    for (auto& value : values) {
      value = static_cast<std::int32_t>(generator_() % static_cast<unsigned>(limit));
    }
    return store(shape, DType::i32, std::as_bytes(std::span(values)));
  }
  TensorView bits(const Shape& shape) {
    std::vector<float> values(static_cast<std::size_t>(shape.count()));
    for (float& value : values) value = generator_() % 7 == 0 ? 1.0F : 0.0F;
    return store(shape, DType::f32, std::as_bytes(std::span(values)));
  }
  Backend& backend() { return *backend_; }

  /// Everything stored so far, inputs and results.
  std::vector<std::vector<float>> all() {
    std::vector<std::vector<float>> contents;
    for (const Tensor& tensor : tensors_) {
      contents.emplace_back(static_cast<std::size_t>(tensor.view().count()));
      if (tensor.view().dtype != DType::f32) continue;
      backend_->download(tensor, std::as_writable_bytes(std::span(contents.back())));
    }
    return contents;
  }

 private:
  TensorView store(const Shape& shape, DType dtype, std::span<const std::byte> bytes) {
    tensors_.emplace_back(*backend_, shape, dtype);
    backend_->upload(bytes, tensors_.back());
    return tensors_.back();
  }

  std::unique_ptr<Backend> backend_;
  std::vector<Tensor> tensors_;
  std::mt19937 generator_{1};
};

template <typename Run>
void expect_same_bits(const Run& run) {
  const std::vector<std::vector<float>> expected = run(1);
  for (const int threads : {2, 3, 5}) EXPECT_EQ(run(threads), expected) << threads << " threads";
}

class CpuThreads : public testing::TestWithParam<CellKind> {};

TEST_P(CpuThreads, DoNotChangeARecurrentLayer) {
  expect_same_bits([](int threads) {
    const std::int64_t steps = 20, batch = 17, input = 21, hidden = 45;
    const CellInfo& cell = info_of(GetParam());
    const std::int64_t rows = cell.gates * hidden;
    Training training(threads);
    const auto weights = [&] {
      return RecurrentWeights{training.random({rows, input}), training.random({rows, hidden}),
                              training.random({rows}), training.random({rows})};
    };
    const RecurrentSpec spec{cell.kind, input, hidden};
    Backend& backend = training.backend();
    const Tensor reserve(backend,
                         {static_cast<std::int64_t>(
                             backend.recurrent_reserve_bytes(spec, steps, batch, DType::f32))},
                         DType::u8);
    const RecurrentForwardArgs forward{
        .x = training.random({steps, batch, input}),
        .lengths = training.integers({batch}, steps + 1),
        .initial_state = training.random({cell.states, batch, hidden}),
        .weights = weights(),
        .y = training.random({steps, batch, hidden}),
        .final_state = training.random({cell.states, batch, hidden}),
        .reserve = reserve};
    backend.recurrent_forward(spec, forward);
    backend.recurrent_backward(spec,
                               {.x = forward.x,
                                .lengths = forward.lengths,
                                .initial_state = forward.initial_state,
                                .weights = forward.weights,
                                .y = forward.y,
                                .reserve = reserve,
                                .dy = training.random({steps, batch, hidden}),
                                .d_final_state = training.random({cell.states, batch, hidden}),
                                .dx = training.random({steps, batch, input}),
                                .d_initial_state = training.random({cell.states, batch, hidden}),
                                .d_weights = weights()});
    return training.all();
  });
}

INSTANTIATE_TEST_SUITE_P(AllCells, CpuThreads,
                         testing::Values(CellKind::rnn_tanh, CellKind::rnn_relu, CellKind::gru,
                                         CellKind::lstm),
                         [](const testing::TestParamInfo<CellKind>& cell) {
                           return std::string(info_of(cell.param).name);
                         });

/// Attention of seven queries to up to nineteen steps, and its gradients.
std::vector<std::vector<float>> attend(AttentionKind kind, int threads) {
  const std::int64_t steps = 7, batch = 6, memory = 19, width = 21, values = 37;
  Training training(threads);
  AttentionArgs forward{.kind = kind,
                        .queries = training.random({steps, batch, width}),
                        .keys = training.random({memory, batch, width}),
                        .values = training.random({memory, batch, values}),
                        .lengths = training.integers({batch}, memory + 1),
                        .context = training.random({steps, batch, values}),
                        .weights = training.random({steps, batch, memory})};
  if (kind == AttentionKind::additive) forward.v = training.random({width});
  training.backend().attention(forward);
  AttentionBackwardArgs backward{.forward = forward,
                                 .d_context = training.random({steps, batch, values}),
                                 .d_queries = training.random({steps, batch, width}),
                                 .d_keys = training.random({memory, batch, width}),
                                 .d_values = training.random({memory, batch, values})};
  if (kind == AttentionKind::additive) backward.d_v = training.random({width});
  training.backend().attention_backward(backward);
  return training.all();
}

TEST(CpuThreadCount, DoesNotChangeAttention) {
  for (const AttentionKind kind : {AttentionKind::dot, AttentionKind::additive}) {
    expect_same_bits([&](int threads) { return attend(kind, threads); });
  }
}

TEST(CpuInstructionSet, DoesNotChangeAttention) {
  for (const AttentionKind kind : {AttentionKind::dot, AttentionKind::additive}) {
    const std::vector<std::vector<float>> expected = attend(kind, 1);
    test::for_each_target(
        [&](const char* target) { EXPECT_EQ(attend(kind, 2), expected) << target; });
  }
}

TEST(CpuThreadCount, DoesNotChangeTheNadeLoss) {
  expect_same_bits([](int threads) {
    const std::int64_t rows = 300, keys = 20, units = 33;
    Training training(threads);
    training.backend().nade_loss({.targets = training.bits({rows, keys}),
                                  .visible_bias = training.random({rows, keys}),
                                  .hidden_bias = training.random({rows, units}),
                                  .w = training.random({keys, units}),
                                  .u = training.random({keys, units}),
                                  .row_loss = training.random({rows}),
                                  .d_visible_bias = training.random({rows, keys}),
                                  .d_hidden_bias = training.random({rows, units}),
                                  .d_w = training.random({keys, units}),
                                  .d_u = training.random({keys, units})});
    return training.all();
  });
}

TEST(CpuThreadCount, DoesNotChangeTheSquaredNorm) {
  const auto norm = [](int threads) {
    Training training(threads);
    const Tensor out(training.backend(), {1}, DType::f64);
    training.backend().squared_norm(training.random({70001}), out);
    double value = 0.0;
    training.backend().download(out, std::as_writable_bytes(std::span(&value, 1)));
    return value;
  };
  EXPECT_EQ(norm(1), norm(3));
}

}  // namespace
}  // namespace cadenza
