// SPDX-License-Identifier: Apache-2.0
#include "backend/argument_check.h"
#include "cadenza/backend.h"

namespace cadenza {
namespace {

/// The fields that all losses share.
void check_rows(const ArgumentCheck& check, const TensorView& weights, const TensorView& row_loss,
                double scale, DType real, Extent n) {
  check.allow("weights", weights, real, {n});
  check.require("row_loss", row_loss, real, {n});
  check.finite("scale", scale);
}

/// A loss that sums over the elements of a row.
void check_elementwise(const ArgumentCheck& check, std::string_view input_name,
                       const TensorView& input, const TensorView& targets,
                       std::string_view gradient_name, const TensorView& gradient) {
  const DType real = check.real(input_name, input);
  check.require(input_name, input, real, {{"N"}, {"D"}});
  const Extent n{"N", input.shape[0]};
  const Extent d{"D", input.shape[1]};
  check.require("targets", targets, real, {n, d});
  check.allow(gradient_name, gradient, real, {n, d});
  check.same_or_disjoint(gradient_name, gradient, input_name, input);
  check.disjoint(gradient_name, gradient, "targets", targets);
}

}  // namespace

void Backend::softmax_loss(const SoftmaxLossArgs& args) {
  const ArgumentCheck check("softmax_loss", *this);
  const DType real = check.real("logits", args.logits);
  check.require("logits", args.logits, real, {{"N"}, {"V"}});
  const Extent n{"N", args.logits.shape[0]};
  const Extent v{"V", args.logits.shape[1]};
  check.that(v.value > 0, "logits has shape ", args.logits.shape, ", expected V > 0");
  check.require("targets", args.targets, DType::i32, {n});
  check_rows(check, args.weights, args.row_loss, args.scale, real, n);
  check.allow("d_logits", args.d_logits, real, {n, v});
  check.same_or_disjoint("d_logits", args.d_logits, "logits", args.logits);
  if (n.value > 0) do_softmax_loss(args);
}

void Backend::bernoulli_loss(const BernoulliLossArgs& args) {
  const ArgumentCheck check("bernoulli_loss", *this);
  check_elementwise(check, "logits", args.logits, args.targets, "d_logits", args.d_logits);
  const Extent n{"N", args.logits.shape[0]};
  check_rows(check, args.weights, args.row_loss, args.scale, args.logits.dtype, n);
  if (n.value > 0) do_bernoulli_loss(args);
}

void Backend::squared_loss(const SquaredLossArgs& args) {
  const ArgumentCheck check("squared_loss", *this);
  check_elementwise(check, "predictions", args.predictions, args.targets, "d_predictions",
                    args.d_predictions);
  const Extent n{"N", args.predictions.shape[0]};
  check_rows(check, args.weights, args.row_loss, args.scale, args.predictions.dtype, n);
  if (n.value > 0) do_squared_loss(args);
}

void Backend::nade_loss(const NadeLossArgs& args) {
  const ArgumentCheck check("nade_loss", *this);
  const DType real = check.real("targets", args.targets);
  check.require("targets", args.targets, real, {{"N"}, {"D"}});
  check.require("w", args.w, real, {{"D", args.targets.shape[1]}, {"K"}});
  const Extent n{"N", args.targets.shape[0]};
  const Extent d{"D", args.targets.shape[1]};
  const Extent k{"K", args.w.shape[1]};
  check.require("u", args.u, real, {d, k});
  check.require("visible_bias", args.visible_bias, real, {n, d});
  check.require("hidden_bias", args.hidden_bias, real, {n, k});
  check_rows(check, args.weights, args.row_loss, args.scale, real, n);
  if (!args.d_visible_bias.empty()) {
    check.require("d_visible_bias", args.d_visible_bias, real, {n, d});
    check.require("d_hidden_bias", args.d_hidden_bias, real, {n, k});
    check.require("d_w", args.d_w, real, {d, k});
    check.require("d_u", args.d_u, real, {d, k});
  } else {
    for (const auto& [name, view] : {std::pair{"d_hidden_bias", args.d_hidden_bias},
                                     std::pair{"d_w", args.d_w}, std::pair{"d_u", args.d_u}}) {
      check.absent(name, view, "d_visible_bias is absent");
    }
  }
  if (n.value > 0) do_nade_loss(args);
}

}  // namespace cadenza
