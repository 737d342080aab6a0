// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cadenza::kernels {

/// Whether code of this build runs on the device; false where it has none for its architecture.
bool runs_on_device(int device);

}  // namespace cadenza::kernels
