// SPDX-License-Identifier: Apache-2.0
#include "cadenza/backend.h"

#include "backend/argument_check.h"

// Checks of memory, dense operations and the update. The other families: backend_recurrent.cpp,
// backend_losses.cpp, backend_sampling.cpp.

namespace cadenza {

void Backend::upload(std::span<const std::byte> from, const TensorView& to) {
  const ArgumentCheck check("upload", *this);
  check.that(from.size() == to.bytes(), "from has ", from.size(), " bytes, expected ", to.bytes(),
             " for ", name_of(to.dtype), " ", to.shape);
  if (!from.empty()) do_upload(from, to);
}

void Backend::download(const TensorView& from, std::span<std::byte> to) {
  const ArgumentCheck check("download", *this);
  check.that(from.bytes() == to.size(), "to has ", to.size(), " bytes, expected ", from.bytes(),
             " for ", name_of(from.dtype), " ", from.shape);
  if (!to.empty()) do_download(from, to);
}

void Backend::copy(const TensorView& from, const TensorView& to) {
  const ArgumentCheck check("copy", *this);
  check.require("to", to, from.dtype, from.shape);
  check.same_or_disjoint("to", to, "from", from);
  if (from.count() > 0 && from.data != to.data) do_copy(from, to);
}

void Backend::fill(const TensorView& to, double value) {
  const ArgumentCheck check("fill", *this);
  if (to.dtype == DType::i32) {
    check.require("to", to, DType::i32, to.shape);
  } else {
    check.real("to", to);
  }
  if (to.count() > 0) do_fill(to, value);
}

void Backend::matmul(const MatmulArgs& args) {
  const ArgumentCheck check("matmul", *this);
  const DType real = check.real("a", args.a);
  const bool flip_a = args.transpose_a == Transpose::yes;
  const bool flip_b = args.transpose_b == Transpose::yes;
  const Extent m{"M", args.a.shape[flip_a ? 1 : 0]};
  const Extent k{"K", args.a.shape[flip_a ? 0 : 1]};
  const Extent n{"N", args.b.shape[flip_b ? 0 : 1]};
  check.require("a", args.a, real, {{flip_a ? "K" : "M"}, {flip_a ? "M" : "K"}});
  check.require("b", args.b, real, {flip_b ? n : k, flip_b ? k : n});
  check.require("c", args.c, real, {m, n});
  check.allow("bias", args.bias, real, {n});
  check.disjoint("c", args.c, "a", args.a);
  check.disjoint("c", args.c, "b", args.b);
  check.disjoint("c", args.c, "bias", args.bias);
  if (args.c.count() > 0) do_matmul(args);
}

void Backend::add(const TensorView& x, const TensorView& y, double alpha) {
  const ArgumentCheck check("add", *this);
  check.require("y", y, check.real("x", x), x.shape);
  check.same_or_disjoint("y", y, "x", x);
  if (x.count() > 0) do_add(x, y, alpha);
}

void Backend::add_column_sums(const TensorView& x, const TensorView& y) {
  const ArgumentCheck check("add_column_sums", *this);
  const DType real = check.real("x", x);
  check.require("x", x, real, {{"M"}, {"N"}});
  check.require("y", y, real, {{"N", x.shape[1]}});
  check.disjoint("y", y, "x", x);
  if (x.count() > 0) do_add_column_sums(x, y);
}

void Backend::scale_rows(const TensorView& x, const TensorView& factors) {
  const ArgumentCheck check("scale_rows", *this);
  const DType real = check.real("x", x);
  check.require("x", x, real, {{"N"}, {"M"}});
  check.require("factors", factors, real, {{"N", x.shape[0]}});
  check.disjoint("factors", factors, "x", x);
  if (x.count() > 0) do_scale_rows(x, factors);
}

void Backend::copy_columns(const CopyColumnsArgs& args) {
  const ArgumentCheck check("copy_columns", *this);
  const DType real = check.real("x", args.x);
  check.require("x", args.x, real, {{"N"}, {"M"}});
  check.require("y", args.y, real, {{"N", args.x.shape[0]}, {"L"}});
  check.disjoint("y", args.y, "x", args.x);
  const auto inside = [&](const char* name, std::int64_t begin, std::int64_t columns) {
    check.that(begin >= 0 && args.count >= 0 && args.count <= columns - begin, "columns [", begin,
               ", ", begin, " + ", args.count, ") of ", name, ", expected inside [0, ", columns,
               ")");
  };
  inside("x", args.x_begin, args.x.shape[1]);
  inside("y", args.y_begin, args.y.shape[1]);
  if (args.x.shape[0] > 0 && args.count > 0) do_copy_columns(args);
}

void Backend::activation(const ActivationArgs& args) {
  const ArgumentCheck check("activation", *this);
  check.require("y", args.y, check.real("x", args.x), args.x.shape);
  check.same_or_disjoint("y", args.y, "x", args.x);
  if (args.x.count() > 0) do_activation(args);
}

void Backend::activation_backward(const ActivationBackwardArgs& args) {
  const ArgumentCheck check("activation_backward", *this);
  const DType real = check.real("y", args.y);
  check.require("dy", args.dy, real, args.y.shape);
  check.require("dx", args.dx, real, args.y.shape);
  check.same_or_disjoint("dx", args.dx, "dy", args.dy);
  check.disjoint("dx", args.dx, "y", args.y);
  if (args.y.count() > 0) do_activation_backward(args);
}

void Backend::dropout(const DropoutArgs& args) {
  const ArgumentCheck check("dropout", *this);
  check.that(args.rate >= 0.0 && args.rate < 1.0, "rate is ", args.rate, ", expected in [0, 1)");
  check.that(args.stream < std::uint64_t{1} << 32, "stream is ", args.stream, ", expected < 2^32");
  check.require("y", args.y, check.real("x", args.x), args.x.shape);
  check.same_or_disjoint("y", args.y, "x", args.x);
  if (args.x.count() > 0) do_dropout(args);
}

void Backend::embedding(const EmbeddingArgs& args) {
  const ArgumentCheck check("embedding", *this);
  const DType real = check.real("table", args.table);
  check.require("ids", args.ids, DType::i32, {{"N"}});
  check.require("table", args.table, real, {{"V"}, {"E"}});
  check.require("y", args.y, real, {{"N", args.ids.shape[0]}, {"E", args.table.shape[1]}});
  check.disjoint("y", args.y, "table", args.table);
  if (args.y.count() > 0) do_embedding(args);
}

void Backend::embedding_backward(const EmbeddingBackwardArgs& args) {
  const ArgumentCheck check("embedding_backward", *this);
  const DType real = check.real("d_table", args.d_table);
  check.require("ids", args.ids, DType::i32, {{"N"}});
  check.require("d_table", args.d_table, real, {{"V"}, {"E"}});
  check.require("dy", args.dy, real, {{"N", args.ids.shape[0]}, {"E", args.d_table.shape[1]}});
  check.disjoint("d_table", args.d_table, "dy", args.dy);
  if (args.dy.count() > 0) do_embedding_backward(args);
}

void Backend::squared_norm(const TensorView& x, const TensorView& out) {
  const ArgumentCheck check("squared_norm", *this);
  check.real("x", x);
  check.require("out", out, DType::f64, Shape{1});
  check.disjoint("out", out, "x", x);
  do_squared_norm(x, out);
}

void Backend::update(const UpdateArgs& args) {
  const ArgumentCheck check("update", *this);
  const DType real = check.real("parameters", args.parameters);
  const Extent p{"P", args.parameters.shape[0]};
  check.require("parameters", args.parameters, real, {{"P"}});
  check.require("gradients", args.gradients, real, {p});
  const bool adam = args.kind == OptimizerKind::adam || args.kind == OptimizerKind::adamw;
  if (adam || args.kind == OptimizerKind::momentum) {
    check.require("first_moment", args.first_moment, real, {p});
  } else {
    check.absent("first_moment", args.first_moment, "this optimiser has none");
  }
  if (adam || args.kind == OptimizerKind::rmsprop) {
    check.require("second_moment", args.second_moment, real, {p});
  } else {
    check.absent("second_moment", args.second_moment, "this optimiser has none");
  }
  check.that(args.clip_norm >= 0.0, "clip_norm is ", args.clip_norm, ", expected >= 0");
  if (args.clip_norm > 0.0) {
    check.require("squared_norm", args.squared_norm, DType::f64, Shape{1});
  }
  check.finite("learning_rate", args.learning_rate);
  check.finite("weight_decay", args.weight_decay);
  check.that(args.beta1 >= 0.0 && args.beta1 < 1.0, "beta1 is ", args.beta1,
             ", expected in [0, 1)");
  check.that(args.beta2 >= 0.0 && args.beta2 < 1.0, "beta2 is ", args.beta2,
             ", expected in [0, 1)");
  check.that(args.epsilon >= 0.0, "epsilon is ", args.epsilon, ", expected >= 0");
  check.that(args.step >= 1, "step is ", args.step, ", expected >= 1");
  if (args.parameters.count() > 0) do_update(args);
}

}  // namespace cadenza
