// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/sampler.h"

#include <algorithm>

#include "backend/cpu/simd_targets.h"
#include "cadenza/error.h"
#include "core/sampling_check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/sampler.cpp"
#include <hwy/foreach_target.h>  // includes this file once per instruction set
#include <hwy/highway.h>

// The scalar target has no interleaving; there the plain draw is as good.
#if HWY_TARGET != HWY_SCALAR
#include "backend/cpu/row_draw-inl.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
void SampleRows(std::span<const SampleRow> rows, std::span<SampleResult> results, SampleScratch&) {
  for (std::size_t i = 0; i < rows.size(); ++i) results[i] = sample_row(rows[i]);
}
#else
/// One row through the steps of docs/sampling.md.
SampleResult SampleOne(const SampleRow& row, SampleScratch& scratch) {
  RowState state(row, scratch);
  SampleResult result;
  result.token = row.fallback;
  result.status = state.Process();
  if (state.maximum == -kInfinity) {
    result.status |= kSampleAllMasked;
  } else if (row.params.greedy != 0) {
    result.token = state.FirstMaximum();
  } else {
    result.token = state.Draw();
    if (row.scores) state.Score(result);
  }
  if (row.scores) result.raw_log_probability = state.RawLogProbability(result.token);
  return result;
}

void SampleRows(std::span<const SampleRow> rows, std::span<SampleResult> results,
                SampleScratch& scratch) {
  for (std::size_t i = 0; i < rows.size(); ++i) results[i] = SampleOne(rows[i], scratch);
}

#endif

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace cadenza::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::cpu {

HWY_EXPORT(SampleRows);
HWY_EXPORT(TargetName);

void sample_rows(std::span<const SampleRow> rows, std::span<SampleResult> results) {
  check(rows.size() == results.size(), "sample_rows: ", results.size(), " results for ",
        rows.size(), " rows");
  std::size_t widest = 0;
  for (const SampleRow& row : rows) {
    check_sample_row(row);
    widest = std::max(widest, row.logits.size());
  }
  SampleScratch scratch(widest);
  HWY_DYNAMIC_DISPATCH(SampleRows)(rows, results, scratch);
}

SampleResult draw_row(const SampleRow& row, SampleScratch& scratch) {
  check_sample_row(row);
  SampleResult result;
  HWY_DYNAMIC_DISPATCH(SampleRows)({&row, 1}, {&result, 1}, scratch);
  return result;
}

const char* sampler_target() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace cadenza::cpu
#endif
