// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace cadenza::tools {

/// "950", "12.3 k", "4.56 M": three significant digits.
std::string short_count(double value);
/// "0:07", "12:34", "1:02:03".
std::string clock_text(double seconds);
/// `value` with that many digits behind the point.
std::string fixed_text(double value, int digits);

/// Long work on stderr: one line that is redrawn on a terminal, a plain line every few seconds
/// elsewhere.
class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `fraction` in [0, 1] of the work is done; `details` such as a rate or a loss stand behind.
  void update(double fraction, std::string_view details);
  /// A line that stays, above the bar.
  void note(std::string_view line);
  /// Removes the bar.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(double fraction, std::string_view details, double elapsed);

  std::string label_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace cadenza::tools
