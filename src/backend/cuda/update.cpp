// SPDX-License-Identifier: Apache-2.0
#include "kernels/update.h"

#include "backend/cuda/cuda_backend.h"

namespace cadenza {

void CudaBackend::do_squared_norm(const TensorView& x, const TensorView& out) {
  const cuda::Scratch<double> scratch(pool(), kernels::squared_norm_scratch(x.count()));
  kernels::squared_norm(x.as<float>(), x.count(), scratch.get(), out.as<double>(), stream());
}

void CudaBackend::do_update(const UpdateArgs& args) { kernels::update(args, stream()); }

}  // namespace cadenza
