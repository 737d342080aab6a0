// SPDX-License-Identifier: Apache-2.0
#include "cadenza/backend.h"
#include "support/op_case.h"

namespace cadenza::test {
namespace {

enum class Values { own, keys };
enum class Lengths { absent, mixed };

struct Variant {
  std::int64_t steps, batch, memory, width, value_width;  // T, B, S, A, E
  Values values = Values::own;
  Lengths lengths = Lengths::absent;
};

std::string name_of_case(AttentionKind kind, const Variant& variant) {
  return message("attention ", kind == AttentionKind::dot ? "dot" : "additive",
                 " T=", variant.steps, " B=", variant.batch, " S=", variant.memory,
                 " A=", variant.width, " E=", variant.value_width,
                 variant.values == Values::keys ? " values=keys" : "",
                 variant.lengths == Lengths::mixed ? " lengths" : "");
}

AttentionArgs put_attention(Device& device, const Arrays& inputs, AttentionKind kind) {
  AttentionArgs args;
  args.kind = kind;
  args.queries = device.put(inputs.at("queries"));
  args.keys = device.put(inputs.at("keys"));
  args.values = inputs.contains("values") ? device.put(inputs.at("values")) : args.keys;
  args.lengths = device.put(inputs, "lengths");
  args.v = device.put(inputs, "v");
  args.scale = 0.375;
  const Shape& queries = args.queries.shape;
  args.context = device.garbage({queries[0], queries[1], args.values.shape[2]});
  args.weights = device.garbage({queries[0], queries[1], args.keys.shape[0]});
  return args;
}

Arrays gradients(Device& device, const Arrays& inputs, AttentionKind kind,
                 const TensorView& d_context) {
  AttentionBackwardArgs args;
  args.forward = put_attention(device, inputs, kind);
  device.backend().attention(args.forward);
  args.d_context = d_context;
  args.d_queries = device.garbage(args.forward.queries.shape);
  args.d_keys = device.garbage(args.forward.keys.shape);
  args.d_values = device.garbage(args.forward.values.shape);
  if (kind == AttentionKind::additive) {
    args.d_v = device.put(filled(args.forward.v.shape, kGradientBefore));
  }
  device.backend().attention_backward(args);
  Arrays result{{"queries", device.get(args.d_queries)}};
  if (inputs.contains("values")) {
    result["values"] = device.get(args.d_values);
  } else {  // one array in two places
    device.backend().add(args.d_values, args.d_keys);
  }
  result["keys"] = device.get(args.d_keys);
  if (!args.d_v.empty()) result["v"] = without_initial_value(device.get(args.d_v));
  return result;
}

OpCase attention_case(AttentionKind kind, const Variant& variant) {
  RandomArrays random(61);
  OpCase op;
  op.name = name_of_case(kind, variant);
  op.seed = 61;
  op.inputs["queries"] = random.real({variant.steps, variant.batch, variant.width}, -2.0, 2.0);
  op.inputs["keys"] = random.real({variant.memory, variant.batch, variant.width}, -2.0, 2.0);
  if (variant.values == Values::own) {
    op.inputs["values"] = random.real({variant.memory, variant.batch, variant.value_width});
  }
  if (kind == AttentionKind::additive) op.inputs["v"] = random.real({variant.width});
  if (variant.lengths == Lengths::mixed) {
    HostArray lengths = random.ids({variant.batch}, 0, variant.memory + 1);
    lengths.values.front() = 0.0;
    lengths.values.back() = static_cast<double>(variant.memory);
    op.inputs["lengths"] = lengths;
  }
  op.cotangents["context"] = random.real({variant.steps, variant.batch, variant.value_width});
  op.forward = [kind](Device& device, const Arrays& inputs) {
    const AttentionArgs args = put_attention(device, inputs, kind);
    device.backend().attention(args);
    return Arrays{{"context", device.get(args.context)}, {"weights", device.get(args.weights)}};
  };
  op.backward = [kind](Device& device, const Arrays& inputs, const Arrays& cotangents) {
    return gradients(device, inputs, kind, device.put(cotangents.at("context")));
  };
  op.small = variant.memory < 100;
  return op;
}

}  // namespace

std::vector<OpCase> attention_cases() {
  std::vector<OpCase> cases;
  for (const AttentionKind kind : {AttentionKind::dot, AttentionKind::additive}) {
    for (const Variant& variant :
         {Variant{1, 1, 1, 1, 1}, Variant{1, 3, 5, 7, 4}, Variant{4, 2, 1, 3, 5},
          Variant{3, 4, 6, 5, 9, Values::own, Lengths::mixed},
          Variant{5, 3, 4, 33, 33, Values::keys, Lengths::mixed},
          Variant{2, 2, 37, 45, 70, Values::own, Lengths::mixed},
          Variant{35, 2, 7, 32, 32, Values::keys}, Variant{3, 2, 0, 4, 5},
          Variant{9, 3, 161, 65, 130, Values::own, Lengths::mixed}}) {
      cases.push_back(attention_case(kind, variant));
    }
  }
  return cases;
}

}  // namespace cadenza::test
