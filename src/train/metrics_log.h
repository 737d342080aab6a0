// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "cadenza/trainer.h"

namespace cadenza {

/// metrics.jsonl: one JSON object a line, appended and flushed as training goes.
class MetricsLog {
 public:
  /// Keeps the complete lines up to and including `step` of an existing file (all a resumed run
  /// has already done) and drops the rest. FileError if it cannot be written.
  MetricsLog(const std::filesystem::path& path, std::int64_t step);
  /// FileError when the disk is full.
  void write(const TrainingProgress& progress);

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace cadenza
