// SPDX-License-Identifier: Apache-2.0
// What one writes with a BLAS alone: a step of generation is one product a layer, of [x, h] with
// both matrices of weights (the first layer looks up what they make of a token), plain loops for
// the rest. In training the products of inputs and of weights' gradients go over all steps at once.
#include <cblas.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "bench/peers/native/native_peer.h"
#include "bench/peers/native/plain_model.h"

namespace cadenza::bench {
namespace {

/// A row-major matrix of which rows are `stride` apart.
struct Matrix {
  const float* values;
  std::int64_t stride;
  CBLAS_TRANSPOSE transpose = CblasNoTrans;
};

/// c [m, n] = a [m, k] * b [k, n] + beta * c, a and b perhaps transposed.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, float beta,
              float* c) {
  const auto size = [](std::int64_t value) { return static_cast<blasint>(value); };
  if (m == 1 && a.transpose == CblasNoTrans) {  // OpenBLAS 0.3.21 has no short way for a lone row
    const bool turned = b.transpose == CblasTrans;
    cblas_sgemv(CblasRowMajor, turned ? CblasNoTrans : CblasTrans, size(turned ? n : k),
                size(turned ? k : n), 1.0F, b.values, size(b.stride), a.values, 1, beta, c, 1);
    return;
  }
  cblas_sgemm(CblasRowMajor, a.transpose, b.transpose, size(m), size(n), size(k), 1.0F, a.values,
              size(a.stride), b.values, size(b.stride), beta, c, size(n));
}

std::vector<float> floats(std::int64_t count) {
  return std::vector<float>(static_cast<std::size_t>(count));
}

class LoopGeneration final : public PeerGeneration {
 public:
  LoopGeneration(const RecordModel& model, std::int64_t batch)
      : rows_{batch, model.hidden},
        vocabulary_(model.vocabulary),
        parameters_(model),
        table_(floats(model.vocabulary * 4 * model.hidden)),
        gates_(floats(batch * 4 * model.hidden)),
        logits_(floats(batch * model.vocabulary)),
        tokens_(static_cast<std::size_t>(batch)) {
    const std::int64_t h = model.hidden;
    parameters_.initialize();
    broadcast(parameters_.b(0), vocabulary_, 4 * h, table_.data());
    multiply(vocabulary_, 4 * h, h, {parameters_.embedding(), h}, {parameters_.w(0), 4 * h}, 1.0F,
             table_.data());
    for (int layer = 0; layer < model.layers; ++layer) {
      Layer& own = layers_.emplace_back();
      own.c = floats(batch * h);
      own.inputs = layer == 0 ? h : 2 * h;
      own.input = floats(batch * own.inputs);
      if (layer > 0) own.weights.assign(parameters_.w(layer), parameters_.w(layer) + 4 * h * h);
      own.weights.insert(own.weights.end(), parameters_.r(layer), parameters_.r(layer) + 4 * h * h);
    }
  }

  void step() override {
    const auto [batch, h] = rows_;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Layer& layer = layers_[i];
      float* const own_h = layer.input.data() + layer.inputs - h;
      if (i == 0) {
        gather(tokens_, table_.data(), 4 * h, gates_.data());
      } else {
        broadcast(parameters_.b(static_cast<std::int64_t>(i)), batch, 4 * h, gates_.data());
        const Layer& below = layers_[i - 1];
        copy_rows(below.input.data() + below.inputs - h, below.inputs, layer.input.data());
      }
      multiply(batch, 4 * h, layer.inputs, {layer.input.data(), layer.inputs},
               {layer.weights.data(), 4 * h}, 1.0F, gates_.data());
      lstm_forward_step(rows_, gates_.data(), layer.c.data(), layer.c.data(), own_h, layer.inputs);
    }
    const Layer& top = layers_.back();
    broadcast(parameters_.bias(), batch, vocabulary_, logits_.data());
    multiply(batch, vocabulary_, h, {top.input.data() + top.inputs - h, top.inputs},
             {parameters_.dense(), vocabulary_}, 1.0F, logits_.data());
    draw(logits_.data(), vocabulary_, ++steps_, tokens_);
  }

  const std::vector<std::int32_t>& tokens() const override { return tokens_; }

 private:
  struct Layer {
    std::int64_t inputs;         // H of the first, else 2H
    std::vector<float> input;    // [B, inputs]: x, where it is no token, then h
    std::vector<float> weights;  // [inputs, 4H]
    std::vector<float> c;        // [B, H]
  };

  /// h [B, H] of the layer below to the left half of a layer's input.
  void copy_rows(const float* from, std::int64_t stride, float* to) const {
    const auto [batch, h] = rows_;
    for (std::int64_t n = 0; n < batch; ++n) {
      std::copy_n(from + n * stride, h, to + n * 2 * h);
    }
  }

  PlainRows rows_;
  std::int64_t vocabulary_;
  PlainParameters parameters_;
  std::vector<float> table_;  // [V, 4H]: what the first layer makes of a token, with its bias
  std::vector<float> gates_;  // [B, 4H]
  std::vector<float> logits_;
  std::vector<Layer> layers_;
  std::vector<std::int32_t> tokens_;
  std::uint64_t steps_ = 0;
};

class LoopTraining final : public PeerTraining {
 public:
  LoopTraining(const RecordModel& model, const SequenceShape& shape)
      : rows_{shape.batch, model.hidden},
        steps_(shape.steps),
        vocabulary_(model.vocabulary),
        parameters_(model),
        gradients_(model),
        adam_(parameters_.values().size()),
        batch_(model, shape),
        logits_(floats(shape.steps * shape.batch * model.vocabulary)) {
    parameters_.initialize();
    const std::int64_t one = shape.batch * model.hidden;
    h_.assign(static_cast<std::size_t>(model.layers) + 1, floats(steps_ * one));
    c_.assign(static_cast<std::size_t>(model.layers), floats((steps_ + 1) * one));
    gates_.assign(static_cast<std::size_t>(model.layers), floats(4 * steps_ * one));
    dh_ = floats(steps_ * one);
    dc_ = floats(one);
  }

  double step() override {
    gather(batch_.input, parameters_.embedding(), rows_.hidden, h_[0].data());
    for (std::size_t layer = 0; layer < c_.size(); ++layer) forward(layer);
    const std::int64_t tokens = steps_ * rows_.batch;
    const std::int64_t h = rows_.hidden;
    broadcast(parameters_.bias(), tokens, vocabulary_, logits_.data());
    multiply(tokens, vocabulary_, h, {h_.back().data(), h}, {parameters_.dense(), vocabulary_},
             1.0F, logits_.data());
    const double loss = cross_entropy(logits_.data(), vocabulary_, batch_.target);

    gradients_.clear();
    multiply(h, vocabulary_, tokens, {h_.back().data(), h, CblasTrans},
             {logits_.data(), vocabulary_}, 0.0F, gradients_.dense());
    add_column_sums(logits_.data(), tokens, vocabulary_, gradients_.bias());
    multiply(tokens, h, vocabulary_, {logits_.data(), vocabulary_},
             {parameters_.dense(), vocabulary_, CblasTrans}, 0.0F, dh_.data());
    for (std::size_t layer = c_.size(); layer-- > 0;) backward(layer);
    scatter_add(batch_.input, dh_.data(), h, gradients_.embedding());
    adam_.step(parameters_.values(), gradients_.values());
    return loss;
  }

 private:
  /// h_[layer + 1] of all steps from h_[layer]. States before the first step are 0.
  void forward(std::size_t layer) {
    const auto [batch, h] = rows_;
    const std::int64_t one = batch * h;
    const auto index = static_cast<std::int64_t>(layer);
    float* const gates = gates_[layer].data();
    float* const c = c_[layer].data();
    float* const y = h_[layer + 1].data();
    broadcast(parameters_.b(index), steps_ * batch, 4 * h, gates);
    multiply(steps_ * batch, 4 * h, h, {h_[layer].data(), h}, {parameters_.w(index), 4 * h}, 1.0F,
             gates);
    for (std::int64_t t = 0; t < steps_; ++t) {
      float* const now = gates + t * 4 * one;
      if (t > 0) {
        multiply(batch, 4 * h, h, {y + (t - 1) * one, h}, {parameters_.r(index), 4 * h}, 1.0F, now);
      }
      lstm_forward_step(rows_, now, c + t * one, c + (t + 1) * one, y + t * one, h);
    }
  }

  /// dh_ of the layer's outputs becomes that of its inputs.
  void backward(std::size_t layer) {
    const auto [batch, h] = rows_;
    const std::int64_t one = batch * h;
    const auto index = static_cast<std::int64_t>(layer);
    float* const gates = gates_[layer].data();
    const float* const c = c_[layer].data();
    std::fill(dc_.begin(), dc_.end(), 0.0F);
    for (std::int64_t t = steps_ - 1; t >= 0; --t) {
      float* const now = gates + t * 4 * one;
      if (t + 1 < steps_) {
        multiply(batch, h, 4 * h, {now + 4 * one, 4 * h}, {parameters_.r(index), 4 * h, CblasTrans},
                 1.0F, dh_.data() + t * one);
      }
      lstm_backward_step(rows_, now, c + t * one, c + (t + 1) * one, dh_.data() + t * one,
                         dc_.data());
    }
    multiply(h, 4 * h, steps_ * batch, {h_[layer].data(), h, CblasTrans}, {gates, 4 * h}, 0.0F,
             gradients_.w(index));
    multiply(h, 4 * h, (steps_ - 1) * batch, {h_[layer + 1].data(), h, CblasTrans},
             {gates + 4 * one, 4 * h}, 0.0F, gradients_.r(index));
    add_column_sums(gates, steps_ * batch, 4 * h, gradients_.b(index));
    multiply(steps_ * batch, h, 4 * h, {gates, 4 * h}, {parameters_.w(index), 4 * h, CblasTrans},
             0.0F, dh_.data());
  }

  PlainRows rows_;
  std::int64_t steps_, vocabulary_;
  PlainParameters parameters_, gradients_;
  PlainAdam adam_;
  PlainBatch batch_;
  std::vector<std::vector<float>> h_;      // [T, B, H]: of the embedding, then of each layer
  std::vector<std::vector<float>> c_;      // [T + 1, B, H] of each layer
  std::vector<std::vector<float>> gates_;  // [T, B, 4H] of each layer
  std::vector<float> logits_;              // [T, B, V]
  std::vector<float> dh_, dc_;
};

/// OpenBLAS takes a processor that is newer than itself for a Prescott, which has no multiply-add.
/// It chooses when it is loaded, so the program then begins anew with the last choice that this
/// processor can take.
void insist_on_vectors(char** argv) {
  const char* const chosen = __builtin_cpu_supports("avx512f") != 0 ? "SkylakeX"
                             : __builtin_cpu_supports("avx2") != 0  ? "Haswell"
                                                                    : nullptr;
  if (std::string_view(openblas_get_corename()) != "Prescott" || chosen == nullptr) return;
  if (setenv("OPENBLAS_CORETYPE", chosen, 1) == 0) execv("/proc/self/exe", argv);
}

}  // namespace
}  // namespace cadenza::bench

int main(int argc, char** argv) {
  using namespace cadenza::bench;
  if (std::getenv("OPENBLAS_CORETYPE") == nullptr) insist_on_vectors(argv);
  const auto use_threads = [](int count) {
    openblas_set_num_threads(count);
    omp_set_num_threads(count);
  };
  return run_peer(
      make_peer<LoopGeneration, LoopTraining>("openblas loop", openblas_get_config(), use_threads),
      argc, argv);
}
