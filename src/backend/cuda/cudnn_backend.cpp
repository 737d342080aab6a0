// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_backend.h"

namespace cadenza {
namespace {

constexpr std::size_t kFirstWithBf16 = 91300;

/// What the operations outside the recurrent layers compute in.
BackendOptions of_the_rest(BackendOptions options) {
  if (options.precision == Precision::fp16) options.precision = Precision::tf32;
  return options;
}

Precision offered(Precision precision) {
  const std::size_t version = cudnnGetVersion();
  if (precision == Precision::bf16 && version < kFirstWithBf16) {
    throw DeviceError(message("backend 'cudnn' needs cuDNN ", cuda::version_text(kFirstWithBf16),
                              " for bf16, found ", cuda::version_text(version)));
  }
  return precision;
}

}  // namespace

CudnnBackend::CudnnBackend(const BackendOptions& options)
    : CudaBackend(of_the_rest(options)),
      rnn_precision_(offered(options.precision)),
      handle_(cuda::make_cudnn_handle(stream())) {
  cuda::warm_up(handle_.get(), stream(), rnn_precision_);
}

// What is queued may still use the members.
CudnnBackend::~CudnnBackend() { static_cast<void>(cudaStreamSynchronize(stream())); }

std::string CudnnBackend::description() const {
  return message(CudaBackend::description(), ", cuDNN ", cuda::version_text(cudnnGetVersion()),
                 " in ", cadenza::name_of(rnn_precision_));
}

std::vector<std::string> CudnnBackend::decisions() const {
  std::vector<std::string> lines = CudaBackend::decisions();
  lines.insert(lines.end(), planner_.decisions().begin(), planner_.decisions().end());
  return lines;
}

}  // namespace cadenza
