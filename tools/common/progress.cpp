// SPDX-License-Identifier: Apache-2.0
#include "tools/common/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace cadenza::tools {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainLine{10};
constexpr std::size_t kBarWidth = 24;

int terminal_width() {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

}  // namespace

std::string fixed_text(double value, int digits) {
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return std::string(text.data(), std::min(static_cast<std::size_t>(length), text.size() - 1));
}

std::string short_count(double value) {
  static constexpr std::array<std::string_view, 4> kUnits = {"", " k", " M", " G"};
  std::size_t unit = 0;
  while (std::abs(value) >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  const int digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fixed_text(value, digits) + std::string(kUnits[unit]);
}

std::string clock_text(double seconds) {
  const long whole = std::lround(std::max(seconds, 0.0));
  std::array<char, 40> text;
  if (whole >= 3600) {
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
  }
  return text.data();
}

Progress::Progress(std::string label)
    : label_(std::move(label)), terminal_(is_terminal()), start_(Clock::now()), last_(start_) {}

Progress::~Progress() { finish(); }

void Progress::update(double fraction, std::string_view details) {
  const Clock::time_point now = Clock::now();
  if (now - last_ < (terminal_ ? std::chrono::milliseconds(kRedraw) : kPlainLine)) return;
  last_ = now;
  draw(std::clamp(fraction, 0.0, 1.0), details,
       std::chrono::duration<double>(now - start_).count());
}

void Progress::draw(double fraction, std::string_view details, double elapsed) {
  std::string line = label_;
  line += ' ';
  if (terminal_) {
    const auto filled = static_cast<std::size_t>(fraction * kBarWidth);
    line += '[';
    line.append(filled, '#').append(kBarWidth - filled, '.') += "] ";
  }
  line += fixed_text(100.0 * fraction, 0) += "% ";
  line += clock_text(elapsed);
  if (fraction > 0.0) line += ", " + clock_text(elapsed / fraction - elapsed) + " to go";
  if (!details.empty()) (line += ", ") += details;
  if (terminal_) {
    line.resize(std::min(line.size(), static_cast<std::size_t>(terminal_width() - 1)));
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    drawn_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void Progress::note(std::string_view line) {
  finish();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

void Progress::finish() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

}  // namespace cadenza::tools
