// SPDX-License-Identifier: Apache-2.0
#include "backend/torch_golden.h"

// Leg 2 of the numerics: attention as PyTorch computes it.

namespace cadenza {
namespace {

using test::array_in;
using test::Device;
using test::open_golden;

class TorchAttention : public test::TorchGolden {};

TEST_P(TorchAttention, AgreesForwardAndBack) {
  const bool exact = dtype() == DType::f64;
  const SafetensorsReader file = open_golden("attention");
  for (const AttentionKind kind : {AttentionKind::dot, AttentionKind::additive}) {
    const bool additive = kind == AttentionKind::additive;
    const std::string prefix = additive ? "additive." : "dot.";
    Device device(backend(), dtype());
    const auto put = [&](const std::string& name) {
      return device.put(array_in(file, prefix + name));
    };
    AttentionBackwardArgs args;
    args.forward.kind = kind;
    args.forward.queries = put("queries");
    args.forward.keys = put("keys");
    args.forward.values = put("values");
    args.forward.lengths = device.put(array_in(file, "lengths"));
    if (additive) args.forward.v = put("v");
    args.forward.scale = 0.375;
    args.forward.context = device.garbage(array_in(file, prefix + "context").shape);
    args.forward.weights = device.garbage(array_in(file, prefix + "weights").shape);
    args.d_context = put("d_context");
    args.d_queries = device.garbage(args.forward.queries.shape);
    args.d_keys = device.garbage(args.forward.keys.shape);
    args.d_values = device.garbage(args.forward.values.shape);
    if (additive) args.d_v = device.put(test::filled(args.forward.v.shape, 0.0));
    backend().attention(args.forward);
    backend().attention_backward(args);
    const auto expect = [&](const std::string& name, const TensorView& got, double allowed) {
      expect_close("attention", prefix + name, array_in(file, prefix + name), device.get(got),
                   allowed);
    };
    expect("weights", args.forward.weights, exact ? 1e-14 : 1e-5);
    expect("context", args.forward.context, exact ? 1e-14 : 1e-5);
    expect("d_queries", args.d_queries, exact ? 1e-13 : 1e-4);
    expect("d_keys", args.d_keys, exact ? 1e-13 : 1e-4);
    expect("d_values", args.d_values, exact ? 1e-13 : 1e-4);
    if (additive) expect("d_v", args.d_v, exact ? 1e-13 : 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, TorchAttention,
                         testing::ValuesIn(test::every_backend_and_dtype()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
