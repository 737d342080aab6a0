// SPDX-License-Identifier: Apache-2.0
#include "backend/argument_check.h"
#include "cadenza/backend.h"

namespace cadenza {
namespace {

/// The extents that forward and backward share.
struct Extents {
  DType real;
  Extent t, b, s, a, e;
};

Extents check_forward(const ArgumentCheck& check, const AttentionArgs& args) {
  const DType real = check.real("queries", args.queries);
  check.require("queries", args.queries, real, {{"T"}, {"B"}, {"A"}});
  const Extent t{"T", args.queries.shape[0]};
  const Extent b{"B", args.queries.shape[1]};
  const Extent a{"A", args.queries.shape[2]};
  check.require("keys", args.keys, real, {{"S"}, b, a});
  const Extent s{"S", args.keys.shape[0]};
  check.require("values", args.values, real, {s, b, {"E"}});
  const Extent e{"E", args.values.shape[2]};
  check.allow("lengths", args.lengths, DType::i32, {b});
  if (args.kind == AttentionKind::additive) {
    check.require("v", args.v, real, {a});
  } else {
    check.absent("v", args.v, "only additive attention has it");
    check.finite("scale", args.scale);
  }
  check.require("context", args.context, real, {t, b, e});
  check.require("weights", args.weights, real, {t, b, s});
  for (const auto& [name, view] : {std::pair{"queries", args.queries}, std::pair{"keys", args.keys},
                                   std::pair{"values", args.values}, std::pair{"v", args.v}}) {
    check.disjoint("context", args.context, name, view);
    check.disjoint("weights", args.weights, name, view);
  }
  check.disjoint("context", args.context, "weights", args.weights);
  return {real, t, b, s, a, e};
}

}  // namespace

void Backend::attention(const AttentionArgs& args) {
  const ArgumentCheck check("attention", *this);
  const Extents extents = check_forward(check, args);
  if (extents.t.value > 0 && extents.b.value > 0) do_attention(args);
}

void Backend::attention_backward(const AttentionBackwardArgs& args) {
  const ArgumentCheck check("attention_backward", *this);
  const auto [real, t, b, s, a, e] = check_forward(check, args.forward);
  check.require("d_context", args.d_context, real, {t, b, e});
  check.require("d_queries", args.d_queries, real, {t, b, a});
  check.require("d_keys", args.d_keys, real, {s, b, a});
  check.require("d_values", args.d_values, real, {s, b, e});
  if (args.forward.kind == AttentionKind::additive) {
    check.require("d_v", args.d_v, real, {a});
  } else {
    check.absent("d_v", args.d_v, "only additive attention has it");
  }
  check.disjoint("d_values", args.d_values, "d_keys", args.d_keys);
  if (b.value > 0) do_attention_backward(args);
}

}  // namespace cadenza
