// SPDX-License-Identifier: Apache-2.0
#include "cadenza/backend.h"
#include "support/op_case.h"

namespace cadenza::test {
namespace {

struct MatmulEdge {
  std::int64_t m, k, n;
  Transpose transpose_a, transpose_b;
  bool bias;
  Accumulate accumulate;
  SumOrder order;
};

OpCase matmul_case(const MatmulEdge& edge, std::uint64_t seed) {
  const bool flip_a = edge.transpose_a == Transpose::yes;
  const bool flip_b = edge.transpose_b == Transpose::yes;
  RandomArrays random(seed);
  OpCase op;
  op.name = message("matmul M=", edge.m, " K=", edge.k, " N=", edge.n, flip_a ? " a^T" : "",
                    flip_b ? " b^T" : "", edge.bias ? " bias" : "",
                    edge.accumulate == Accumulate::add ? " add" : "",
                    edge.order == SumOrder::fixed ? " fixed" : "");
  op.seed = seed;
  op.inputs["a"] = random.real(flip_a ? Shape{edge.k, edge.m} : Shape{edge.m, edge.k});
  op.inputs["b"] = random.real(flip_b ? Shape{edge.n, edge.k} : Shape{edge.k, edge.n});
  if (edge.bias) op.inputs["bias"] = random.real({edge.n});
  if (edge.accumulate == Accumulate::add) op.inputs["c"] = random.real({edge.m, edge.n});
  op.forward = [edge](Device& device, const Arrays& inputs) {
    const TensorView c =
        inputs.contains("c") ? device.put(inputs.at("c")) : device.garbage({edge.m, edge.n});
    device.backend().matmul({.a = device.put(inputs.at("a")),
                             .b = device.put(inputs.at("b")),
                             .c = c,
                             .transpose_a = edge.transpose_a,
                             .transpose_b = edge.transpose_b,
                             .bias = device.put(inputs, "bias"),
                             .accumulate = edge.accumulate,
                             .order = edge.order});
    return Arrays{{"c", device.get(c)}};
  };
  return op;
}

std::vector<OpCase> matmul_cases() {
  struct Size {
    std::int64_t m, k, n;
  };
  std::vector<OpCase> cases;
  std::uint64_t seed = 100;
  for (const auto& [m, k, n] :
       {Size{1, 1, 1}, Size{1, 37, 45}, Size{5, 0, 3}, Size{33, 65, 17}, Size{64, 128, 96}}) {
    for (const Transpose a : {Transpose::no, Transpose::yes}) {
      for (const Transpose b : {Transpose::no, Transpose::yes}) {
        for (const SumOrder order : {SumOrder::any, SumOrder::fixed}) {
          for (const bool bias : {false, true}) {
            for (const Accumulate accumulate : {Accumulate::overwrite, Accumulate::add}) {
              cases.push_back(matmul_case({m, k, n, a, b, bias, accumulate, order}, ++seed));
            }
          }
        }
      }
    }
  }
  return cases;
}

enum class Place { apart, same };

OpCase activation_case(Activation kind, const char* name, Place place) {
  RandomArrays random(7);
  OpCase op;
  op.name = message("activation ", name, place == Place::same ? " in place" : "");
  op.seed = 7;
  op.inputs["x"] = random.real({3, 2, 11}, -4.0, 4.0);
  op.cotangents["y"] = random.real({3, 2, 11});
  const auto apply = [kind, place](Device& device, const Arrays& inputs) {
    const TensorView x = device.put(inputs.at("x"));
    const TensorView y = place == Place::same ? x : device.garbage(x.shape);
    device.backend().activation({.kind = kind, .x = x, .y = y});
    return y;
  };
  op.forward = [apply](Device& device, const Arrays& inputs) {
    return Arrays{{"y", device.get(apply(device, inputs))}};
  };
  op.backward = [apply, kind, place](Device& device, const Arrays& inputs,
                                     const Arrays& cotangents) {
    const TensorView y = apply(device, inputs);
    const TensorView dy = device.put(cotangents.at("y"));
    const TensorView dx = place == Place::same ? dy : device.garbage(y.shape);
    device.backend().activation_backward({.kind = kind, .y = y, .dy = dy, .dx = dx});
    return Arrays{{"x", device.get(dx)}};
  };
  return op;
}

OpCase dropout_case(double rate) {
  RandomArrays random(9);
  OpCase op;
  op.name = message("dropout rate=", rate);
  op.seed = 9;
  op.inputs["x"] = random.real({5, 13});
  op.cotangents["y"] = random.real({5, 13});
  const auto apply = [rate](Device& device, const HostArray& from) {
    const TensorView x = device.put(from);
    device.backend().dropout(
        {.x = x, .y = x, .rate = rate, .seed = 0x123456789ABCDEFULL, .stream = 3, .step = 17});
    return device.get(x);
  };
  op.forward = [apply](Device& device, const Arrays& inputs) {
    return Arrays{{"y", apply(device, inputs.at("x"))}};
  };
  op.backward = [apply](Device& device, const Arrays&, const Arrays& cotangents) {
    return Arrays{{"x", apply(device, cotangents.at("y"))}};
  };
  return op;
}

OpCase embedding_case() {
  RandomArrays random(11);
  OpCase op;
  op.name = "embedding with -1 and repeated ids";
  op.seed = 11;
  op.inputs["ids"] = {{8}, DType::i32, {0, 6, -1, 3, 6, 6, -1, 1}};
  op.inputs["table"] = random.real({7, 5});
  op.cotangents["y"] = random.real({8, 5});
  op.forward = [](Device& device, const Arrays& inputs) {
    const TensorView y = device.garbage({8, 5});
    device.backend().embedding(
        {.ids = device.put(inputs.at("ids")), .table = device.put(inputs.at("table")), .y = y});
    return Arrays{{"y", device.get(y)}};
  };
  op.backward = [](Device& device, const Arrays& inputs, const Arrays& cotangents) {
    const TensorView d_table = device.put(filled({7, 5}, kGradientBefore));
    device.backend().embedding_backward({.ids = device.put(inputs.at("ids")),
                                         .dy = device.put(cotangents.at("y")),
                                         .d_table = d_table});
    return Arrays{{"table", without_initial_value(device.get(d_table))}};
  };
  return op;
}

/// The operations that have no gradient of their own, since they are parts of gradients.
std::vector<OpCase> helper_cases() {
  std::vector<OpCase> cases(5);
  RandomArrays random(13);
  cases[0].name = "add";
  cases[0].inputs = {{"x", random.real({3, 41})}, {"y", random.real({3, 41})}};
  cases[0].forward = [](Device& device, const Arrays& inputs) {
    const TensorView y = device.put(inputs.at("y"));
    device.backend().add(device.put(inputs.at("x")), y, -0.75);
    return Arrays{{"y", device.get(y)}};
  };
  cases[1].name = "add_column_sums";
  cases[1].inputs = {{"x", random.real({29, 37})}, {"y", random.real({37})}};
  cases[1].forward = [](Device& device, const Arrays& inputs) {
    const TensorView y = device.put(inputs.at("y"));
    device.backend().add_column_sums(device.put(inputs.at("x")), y);
    return Arrays{{"y", device.get(y)}};
  };
  cases[2].name = "scale_rows";
  cases[2].inputs = {{"x", random.real({6, 35})}, {"factors", random.real({6})}};
  cases[2].forward = [](Device& device, const Arrays& inputs) {
    const TensorView x = device.put(inputs.at("x"));
    device.backend().scale_rows(x, device.put(inputs.at("factors")));
    return Arrays{{"x", device.get(x)}};
  };
  cases[3].name = "copy_columns";
  cases[3].inputs = {{"x", random.real({5, 9})}, {"y", random.real({5, 7})}};
  cases[3].forward = [](Device& device, const Arrays& inputs) {
    const TensorView y = device.put(inputs.at("y"));
    device.backend().copy_columns(
        {.x = device.put(inputs.at("x")), .y = y, .x_begin = 4, .y_begin = 2, .count = 3});
    return Arrays{{"y", device.get(y)}};
  };
  cases[4].name = "squared_norm";
  cases[4].inputs = {{"x", random.real({1003})}};
  cases[4].forward = [](Device& device, const Arrays& inputs) {
    const TensorView out = device.allocate({1}, DType::f64);
    device.backend().squared_norm(device.put(inputs.at("x")), out);
    return Arrays{{"out", device.get(out)}};
  };
  return cases;
}

}  // namespace

std::vector<OpCase> dense_cases() {
  std::vector<OpCase> cases = matmul_cases();
  for (const Place place : {Place::apart, Place::same}) {
    cases.push_back(activation_case(Activation::identity, "identity", place));
    cases.push_back(activation_case(Activation::sigmoid, "sigmoid", place));
    cases.push_back(activation_case(Activation::tanh, "tanh", place));
    cases.push_back(activation_case(Activation::relu, "relu", place));
  }
  cases.push_back(dropout_case(0.0));
  cases.push_back(dropout_case(0.4));
  cases.push_back(embedding_case());
  for (OpCase& op : helper_cases()) cases.push_back(std::move(op));
  return cases;
}

}  // namespace cadenza::test
