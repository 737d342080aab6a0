// SPDX-License-Identifier: Apache-2.0
// oneDNN's LSTM primitive over all layers of a record model, its inner product for the dense layer,
// plain loops for what it has no primitive for: look-up, draw, loss, Adam. Weights are kept as the
// primitives want them, in training reordered at every step, since they change.
#include <omp.h>

#include <utility>

#include "bench/peers/native/native_peer.h"
#include "bench/peers/native/onednn_device.h"
#include "bench/peers/native/plain_model.h"

namespace cadenza::bench {
namespace {

class OnednnGeneration final : public PeerGeneration {
 public:
  OnednnGeneration(const RecordModel& model, std::int64_t batch)
      : model_(model), parameters_(model), tokens_(static_cast<std::size_t>(batch)) {
    parameters_.initialize();
    const Arrays arrays(model, 1, batch);
    const auto lstm = describe<dnnl::lstm_forward>(
        device_.engine, prop_kind::forward_inference, kForwards, arrays.sequence, arrays.state,
        arrays.state, arrays.any_weights, arrays.any_weights, arrays.gate_bias, arrays.sequence,
        arrays.state, arrays.state);
    const auto dense = describe<dnnl::inner_product_forward>(
        device_.engine, prop_kind::forward_inference, arrays.rows, arrays.any_dense, arrays.bias,
        arrays.logits);
    lstm_ = dnnl::lstm_forward(lstm);
    dense_ = dnnl::inner_product_forward(dense);
    x_ = device_.make(arrays.sequence);
    const memory y = device_.make(arrays.sequence);
    logits_ = device_.make(arrays.logits);
    const auto weights = [&](float* values, const Desc& wanted) {
      return device_.reordered(device_.over(arrays.weights, values), wanted);
    };
    const Arguments common = {
        {DNNL_ARG_SRC_LAYER, x_},
        {DNNL_ARG_WEIGHTS_LAYER, weights(parameters_.w(0), lstm.weights_layer_desc())},
        {DNNL_ARG_WEIGHTS_ITER, weights(parameters_.r(0), lstm.weights_iter_desc())},
        {DNNL_ARG_BIAS, device_.over(arrays.gate_bias, parameters_.b(0))},
        {DNNL_ARG_DST_LAYER, y}};
    steps_[0] = steps_[1] = common;
    for (const auto& [before, after] : {std::pair(DNNL_ARG_SRC_ITER, DNNL_ARG_DST_ITER),
                                        std::pair(DNNL_ARG_SRC_ITER_C, DNNL_ARG_DST_ITER_C)}) {
      const memory states[2] = {device_.make(arrays.state), device_.make(arrays.state)};
      clear(states[0]);
      for (int turn = 0; turn < 2; ++turn) {
        steps_[turn][before] = states[turn];
        steps_[turn][after] = states[1 - turn];
      }
    }
    product_ = {
        {DNNL_ARG_SRC, device_.over(arrays.rows, values_of(y))},
        {DNNL_ARG_WEIGHTS,
         device_.reordered(device_.over(arrays.dense, parameters_.dense()), dense.weights_desc())},
        {DNNL_ARG_BIAS, device_.over(arrays.bias, parameters_.bias())},
        {DNNL_ARG_DST, logits_}};
  }

  void step() override {
    gather(tokens_, parameters_.embedding(), model_.hidden, values_of(x_));
    device_.run(lstm_, steps_[count_ % 2]);
    device_.run(dense_, product_);
    draw(values_of(logits_), model_.vocabulary, ++count_, tokens_);
  }

  const std::vector<std::int32_t>& tokens() const override { return tokens_; }

 private:
  RecordModel model_;
  PlainParameters parameters_;
  std::vector<std::int32_t> tokens_;
  Device device_;
  dnnl::primitive lstm_, dense_;
  memory x_, logits_;
  Arguments steps_[2], product_;  // what a step leaves in one state the next reads
  std::uint64_t count_ = 0;
};

/// A weight, or its gradient, as one primitive wants it.
struct Reordered {
  memory plain, packed;
};

class OnednnTraining final : public PeerTraining {
 public:
  OnednnTraining(const RecordModel& model, const SequenceShape& shape)
      : model_(model),
        arrays_(model, shape.steps, shape.batch),
        parameters_(model),
        gradients_(model),
        adam_(parameters_.values().size()),
        batch_(model, shape) {
    parameters_.initialize();
    prepare_layers();
    prepare_dense();
  }

  double step() override {
    for (const Reordered& weight : weights_) device_.reorder(weight.plain, weight.packed);
    gather(batch_.input, parameters_.embedding(), model_.hidden, values_of(x_));
    device_.run(lstm_, lstm_arguments_);
    device_.run(dense_, dense_arguments_);
    const double loss = cross_entropy(values_of(logits_), model_.vocabulary, batch_.target);
    gradients_.clear();
    for (const Reordered& gradient : accumulated_) clear(gradient.packed);
    device_.run(dense_weights_, dense_weights_arguments_);
    device_.run(dense_data_, dense_data_arguments_);
    device_.run(lstm_backward_, lstm_backward_arguments_);
    for (const Reordered& gradient : accumulated_) device_.reorder(gradient.packed, gradient.plain);
    device_.reorder(dense_gradient_.packed, dense_gradient_.plain);
    scatter_add(batch_.input, values_of(dx_), model_.hidden, gradients_.embedding());
    adam_.step(parameters_.values(), gradients_.values());
    return loss;
  }

 private:
  /// A weight that is reordered before every step.
  memory weight(const Desc& plain, float* values, const Desc& wanted) {
    const memory packed = device_.make(wanted);
    weights_.push_back({device_.over(plain, values), packed});
    return packed;
  }

  /// A gradient that the LSTM adds to, from 0 at every step.
  memory accumulated(float* values, const Desc& wanted) {
    const memory packed = device_.make(wanted);
    accumulated_.push_back({device_.over(arrays_.weights, values), packed});
    return packed;
  }

  void prepare_layers() {
    const Arrays& a = arrays_;
    const Desc none;
    const auto forward = describe<dnnl::lstm_forward>(
        device_.engine, prop_kind::forward_training, kForwards, a.sequence, none, none,
        a.any_weights, a.any_weights, a.gate_bias, a.sequence, none, none);
    const auto backward = describe_backward<dnnl::lstm_backward>(
        device_.engine, forward, prop_kind::backward, kForwards, a.sequence, none, none,
        a.any_weights, a.any_weights, a.gate_bias, a.sequence, none, none, a.sequence, none, none,
        a.any_weights, a.any_weights, a.gate_bias, a.sequence, none, none);
    lstm_ = dnnl::lstm_forward(forward);
    lstm_backward_ = dnnl::lstm_backward(backward);
    x_ = device_.make(a.sequence);
    y_ = device_.make(a.sequence);
    dx_ = device_.make(a.sequence);
    dy_ = device_.make(a.sequence);
    float* const w = parameters_.w(0);
    float* const r = parameters_.r(0);
    lstm_arguments_ = {{DNNL_ARG_SRC_LAYER, x_},
                       {DNNL_ARG_WEIGHTS_LAYER, weight(a.weights, w, forward.weights_layer_desc())},
                       {DNNL_ARG_WEIGHTS_ITER, weight(a.weights, r, forward.weights_iter_desc())},
                       {DNNL_ARG_BIAS, device_.over(a.gate_bias, parameters_.b(0))},
                       {DNNL_ARG_DST_LAYER, y_},
                       {DNNL_ARG_WORKSPACE, device_.make(forward.workspace_desc())}};
    lstm_backward_arguments_ = lstm_arguments_;
    const Arguments more = {
        {DNNL_ARG_WEIGHTS_LAYER, weight(a.weights, w, backward.weights_layer_desc())},
        {DNNL_ARG_WEIGHTS_ITER, weight(a.weights, r, backward.weights_iter_desc())},
        {DNNL_ARG_DIFF_SRC_LAYER, dx_},
        {DNNL_ARG_DIFF_DST_LAYER, dy_},
        {DNNL_ARG_DIFF_WEIGHTS_LAYER,
         accumulated(gradients_.w(0), backward.diff_weights_layer_desc())},
        {DNNL_ARG_DIFF_WEIGHTS_ITER,
         accumulated(gradients_.r(0), backward.diff_weights_iter_desc())},
        {DNNL_ARG_DIFF_BIAS, device_.over(a.gate_bias, gradients_.b(0))}};
    for (const auto& [argument, array] : more) lstm_backward_arguments_[argument] = array;
  }

  void prepare_dense() {
    const Arrays& a = arrays_;
    const auto forward = describe<dnnl::inner_product_forward>(
        device_.engine, prop_kind::forward_training, a.rows, a.any_dense, a.bias, a.logits);
    const auto data = describe_backward<dnnl::inner_product_backward_data>(
        device_.engine, forward, a.rows, a.any_dense, a.logits);
    const auto weights = describe_backward<dnnl::inner_product_backward_weights>(
        device_.engine, forward, a.rows, a.any_dense, a.bias, a.logits);
    dense_ = dnnl::inner_product_forward(forward);
    dense_data_ = dnnl::inner_product_backward_data(data);
    dense_weights_ = dnnl::inner_product_backward_weights(weights);
    logits_ = device_.make(a.logits);
    const memory rows = device_.over(a.rows, values_of(y_));
    float* const values = parameters_.dense();
    dense_arguments_ = {{DNNL_ARG_SRC, rows},
                        {DNNL_ARG_WEIGHTS, weight(a.dense, values, forward.weights_desc())},
                        {DNNL_ARG_BIAS, device_.over(a.bias, parameters_.bias())},
                        {DNNL_ARG_DST, logits_}};
    dense_data_arguments_ = {{DNNL_ARG_DIFF_DST, logits_},
                             {DNNL_ARG_WEIGHTS, weight(a.dense, values, data.weights_desc())},
                             {DNNL_ARG_DIFF_SRC, device_.over(a.rows, values_of(dy_))}};
    dense_gradient_ = {device_.over(a.dense, gradients_.dense()),
                       device_.make(weights.diff_weights_desc())};
    dense_weights_arguments_ = {{DNNL_ARG_SRC, rows},
                                {DNNL_ARG_DIFF_DST, logits_},
                                {DNNL_ARG_DIFF_WEIGHTS, dense_gradient_.packed},
                                {DNNL_ARG_DIFF_BIAS, device_.over(a.bias, gradients_.bias())}};
  }

  RecordModel model_;
  Arrays arrays_;
  PlainParameters parameters_, gradients_;
  PlainAdam adam_;
  PlainBatch batch_;
  Device device_;
  dnnl::primitive lstm_, lstm_backward_, dense_, dense_data_, dense_weights_;
  memory x_, y_, dx_, dy_, logits_;  // logits, then their gradient
  Arguments lstm_arguments_, lstm_backward_arguments_;
  Arguments dense_arguments_, dense_data_arguments_, dense_weights_arguments_;
  std::vector<Reordered> weights_, accumulated_;
  Reordered dense_gradient_;
};

std::string version() {
  const dnnl_version_t* const found = dnnl_version();
  return std::to_string(found->major) + "." + std::to_string(found->minor) + "." +
         std::to_string(found->patch);
}

}  // namespace
}  // namespace cadenza::bench

int main(int argc, char** argv) {
  using namespace cadenza::bench;
  return run_peer(
      make_peer<OnednnGeneration, OnednnTraining>("onednn", version(), omp_set_num_threads), argc,
      argv);
}
