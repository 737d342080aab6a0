// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cpu_backend.h"

#include "backend/cpu/int24_gemm.h"
#include "backend/cpu/sampler.h"
#include "cadenza/error.h"

namespace cadenza {

CpuBackend::CpuBackend(const BackendOptions& options)
    : precision_(options.precision),
      pool_(options.threads > 0 ? options.threads : cpu::available_cores()) {}

std::string CpuBackend::description() const {
  return message("cpu: ", pool_.size(), pool_.size() == 1 ? " thread, " : " threads, ",
                 cpu::instruction_set(), precision_ == Precision::fp32 ? "" : ", ",
                 precision_ == Precision::fp32 ? "" : name_of(precision_));
}

cpu::Workers CpuBackend::workers() {
  return {pool_, scratch_, precision_ == Precision::int24 ? cpu::kInt24Gemm : cpu::kPanelGemm};
}

void CpuBackend::draw_rows(std::span<const SampleRow> rows, std::span<SampleResult> results) {
  const auto width = rows.empty() ? 0 : static_cast<std::int64_t>(rows[0].logits.size());
  pool_.parallel_for(static_cast<std::int64_t>(rows.size()), cpu::worth_a_thread(128 * width),
                     [&](std::int64_t begin, std::int64_t end, int) {
                       const auto first = static_cast<std::size_t>(begin);
                       const auto count = static_cast<std::size_t>(end - begin);
                       cpu::sample_rows(rows.subspan(first, count), results.subspan(first, count));
                     });
}

}  // namespace cadenza
