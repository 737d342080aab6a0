// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cuda_backend.h"
#include "kernels/column_sums.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"

namespace cadenza {

void CudaBackend::do_add(const TensorView& x, const TensorView& y, double alpha) {
  kernels::add(x.as<float>(), y.as<float>(), x.count(), static_cast<float>(alpha), stream());
}

void CudaBackend::do_add_column_sums(const TensorView& x, const TensorView& y) {
  const cuda::Scratch<float> scratch(pool(), kernels::column_sums_scratch(x.shape[0], x.shape[1]));
  kernels::add_column_sums(x.as<float>(), x.shape[0], x.shape[1], scratch.get(), y.as<float>(),
                           stream());
}

void CudaBackend::do_scale_rows(const TensorView& x, const TensorView& factors) {
  kernels::scale_rows(x.as<float>(), factors.as<float>(), x.shape[0], x.shape[1], stream());
}

void CudaBackend::do_activation(const ActivationArgs& args) {
  kernels::activation(args.kind, args.x.as<float>(), args.y.as<float>(), args.x.count(), stream());
}

void CudaBackend::do_activation_backward(const ActivationBackwardArgs& args) {
  kernels::activation_backward({.kind = args.kind,
                                .y = args.y.as<float>(),
                                .dy = args.dy.as<float>(),
                                .dx = args.dx.as<float>(),
                                .count = args.y.count()},
                               stream());
}

void CudaBackend::do_dropout(const DropoutArgs& args) { kernels::dropout(args, stream()); }

void CudaBackend::do_embedding(const EmbeddingArgs& args) {
  kernels::embedding({.ids = args.ids.as<std::int32_t>(),
                      .table = args.table.as<float>(),
                      .y = args.y.as<float>(),
                      .rows = args.ids.count(),
                      .width = args.table.shape[1]},
                     stream());
}

void CudaBackend::do_embedding_backward(const EmbeddingBackwardArgs& args) {
  const kernels::EmbeddingGradient gradient = {
      .ids = args.ids.as<std::int32_t>(),
      .dy = args.dy.as<float>(),
      .d_table = args.d_table.as<float>(),
      .rows = args.ids.count(),
      .width = args.d_table.shape[1],
      .vocabulary = static_cast<std::int32_t>(args.d_table.shape[0])};
  const cuda::Scratch<std::byte> workspace(
      pool(), kernels::embedding_backward_workspace(gradient.rows, gradient.vocabulary));
  kernels::embedding_backward(gradient, workspace.get(), stream());
}

}  // namespace cadenza
