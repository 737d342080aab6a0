// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cpu_backend.h"

#include "cadenza/error.h"

namespace cadenza {

CpuBackend::CpuBackend(const BackendOptions& options)
    : pool_(options.threads > 0 ? options.threads : cpu::available_cores()) {}

std::string CpuBackend::description() const {
  return message("cpu: ", pool_.size(), pool_.size() == 1 ? " thread, " : " threads, ",
                 cpu::instruction_set());
}

}  // namespace cadenza
