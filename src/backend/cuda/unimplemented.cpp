// SPDX-License-Identifier: Apache-2.0
// Each family of operations takes its functions out of here as it lands; the file goes with the
// last.
#include "backend/cuda/cuda_backend.h"

namespace cadenza {
namespace {

[[noreturn]] void fail(const char* operation) {
  throw DeviceError(message(operation, ": backend 'cuda' has no kernel for it yet"));
}

}  // namespace

// dense
void CudaBackend::do_add(const TensorView&, const TensorView&, double) { fail("add"); }
void CudaBackend::do_add_column_sums(const TensorView&, const TensorView&) { fail("sums"); }
void CudaBackend::do_scale_rows(const TensorView&, const TensorView&) { fail("scale_rows"); }
void CudaBackend::do_activation(const ActivationArgs&) { fail("activation"); }
void CudaBackend::do_activation_backward(const ActivationBackwardArgs&) { fail("activation"); }
void CudaBackend::do_dropout(const DropoutArgs&) { fail("dropout"); }
void CudaBackend::do_embedding(const EmbeddingArgs&) { fail("embedding"); }
void CudaBackend::do_embedding_backward(const EmbeddingBackwardArgs&) { fail("embedding"); }
void CudaBackend::do_squared_norm(const TensorView&, const TensorView&) { fail("squared_norm"); }
void CudaBackend::do_update(const UpdateArgs&) { fail("update"); }

}  // namespace cadenza
