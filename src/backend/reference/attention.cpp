// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/reference_backend.h"

namespace cadenza {

void ReferenceBackend::do_attention(const AttentionArgs&) {
  throw DeviceError("attention: not implemented yet");
}

void ReferenceBackend::do_attention_backward(const AttentionBackwardArgs&) {
  throw DeviceError("attention_backward: not implemented yet");
}

}  // namespace cadenza
