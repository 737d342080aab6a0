// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cadenza::emulation {

/// Device memory is open to what runs on the device, and closed otherwise: a host that follows a
/// device pointer is an AddressSanitizer report.
class OpenDeviceMemory {
 public:
  OpenDeviceMemory();
  ~OpenDeviceMemory();
  OpenDeviceMemory(const OpenDeviceMemory&) = delete;
  OpenDeviceMemory& operator=(const OpenDeviceMemory&) = delete;
};

}  // namespace cadenza::emulation
