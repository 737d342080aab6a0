// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <limits>
#include <sstream>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/render.h"
#include "render/ticks.h"

namespace cadenza {
namespace {

constexpr int kWidth = 900;
constexpr int kHeight = 520;
constexpr int kLeft = 84;
constexpr int kRight = 24;
constexpr int kTop = 56;
constexpr int kBottom = 64;
constexpr int kPlotWidth = kWidth - kLeft - kRight;
constexpr int kPlotHeight = kHeight - kTop - kBottom;

constexpr std::array<const char*, 8> kColours = {"#1f77c4", "#e8710a", "#2a9d4a", "#d1345b",
                                                 "#8256c8", "#a08300", "#00897b", "#b5399b"};

// Larger ones would overflow in differences.
bool is_drawable(double x, double y) {
  constexpr double kLargest = 1e300;
  return std::abs(x) < kLargest && std::abs(y) < kLargest;
}

// What an axis shows.
struct Interval {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // Never empty, and with `air` on both sides.
  Interval widened(double air) const {
    if (low > high) return {0.0, 1.0};
    const double margin = (high - low) * air;
    const double smallest = std::max(std::abs(low), std::abs(high)) * 1e-9;
    if (high - low > smallest) return {low - margin, high + margin};
    const double around = std::max(std::abs(low) * 0.1, 1e-6);
    return {low - around, high + around};
  }
  double share(double value) const { return (value - low) / (high - low); }
};

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else {
      result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return result;
}

class ChartWriter {
 public:
  explicit ChartWriter(const std::vector<Curve>& curves) : curves_(curves) {
    Interval x;
    Interval y;
    for (const Curve& curve : curves) {
      for (std::size_t i = 0; i < curve.x.size(); ++i) {
        if (!is_drawable(curve.x[i], curve.y[i])) continue;
        x.include(curve.x[i]);
        y.include(curve.y[i]);
      }
    }
    x_ = x.widened(0.0);
    y_ = y.widened(0.05);
  }

  std::string write(const std::string& title, const std::string& x_label,
                    const std::string& y_label) {
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kWidth << "\" height=\""
         << kHeight << "\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
         << "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"14\" fill=\"#333\">\n"
         << "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
    const int centre = kLeft + kPlotWidth / 2;
    text(centre, 32, "text-anchor=\"middle\" font-size=\"18\" font-weight=\"bold\"", title);
    text(centre, kHeight - 16, "text-anchor=\"middle\"", x_label);
    text(0, 0,
         message("text-anchor=\"middle\" transform=\"translate(22 ", kTop + kPlotHeight / 2,
                 ") rotate(-90)\""),
         y_label);
    write_axes();
    for (std::size_t i = 0; i < curves_.size(); ++i) write_curve(i);
    write_legend();
    out_ << "</svg>\n";
    return out_.str();
  }

 private:
  double x(double value) const { return kLeft + x_.share(value) * kPlotWidth; }
  double y(double value) const { return kTop + (1.0 - y_.share(value)) * kPlotHeight; }

  void text(double left, double base, const std::string& attributes, const std::string& content) {
    out_ << "<text x=\"" << left << "\" y=\"" << base << "\" " << attributes << '>'
         << escaped(content) << "</text>\n";
  }

  void line(double x1, double y1, double x2, double y2, const char* colour) {
    out_ << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2
         << "\" stroke=\"" << colour << "\"/>\n";
  }

  void write_axes() {
    constexpr int kTicks = 8;
    const int bottom = kTop + kPlotHeight;
    for (const double value : round_ticks(x_.low, x_.high, kTicks)) {
      line(x(value), kTop, x(value), bottom + 5, "#e4e4e4");
      text(x(value), bottom + 22, "text-anchor=\"middle\"", label(value, x_));
    }
    for (const double value : round_ticks(y_.low, y_.high, kTicks)) {
      line(kLeft - 5, y(value), kLeft + kPlotWidth, y(value), "#e4e4e4");
      text(kLeft - 10, y(value) + 5, "text-anchor=\"end\"", label(value, y_));
    }
    line(kLeft, bottom, kLeft + kPlotWidth, bottom, "#888");
    line(kLeft, kTop, kLeft, bottom, "#888");
  }

  // Enough digits to tell ticks of this axis apart; a tick that should be zero is.
  static std::string label(double value, const Interval& axis) {
    const double span = axis.high - axis.low;
    if (std::abs(value) < span * 1e-9) return "0";
    const double magnitude = std::max(std::abs(axis.low), std::abs(axis.high));
    const int digits = 3 + static_cast<int>(std::ceil(std::log10(magnitude / span)));
    std::ostringstream number;
    number << std::setprecision(std::clamp(digits, 6, 15)) << value;
    return number.str();
  }

  void write_curve(std::size_t index) {
    const Curve& curve = curves_[index];
    std::ostringstream points;
    points << std::fixed << std::setprecision(2);
    std::size_t count = 0;
    double last_x = 0.0;
    double last_y = 0.0;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!is_drawable(curve.x[i], curve.y[i])) continue;
      last_x = x(curve.x[i]);
      last_y = y(curve.y[i]);
      points << (count++ > 0 ? " " : "") << last_x << ',' << last_y;
    }
    if (count == 1) {
      out_ << "<circle cx=\"" << last_x << "\" cy=\"" << last_y << "\" r=\"3\" fill=\""
           << colour(index) << "\"/>\n";
    } else if (count > 1) {
      out_ << "<polyline fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke=\""
           << colour(index) << "\" points=\"" << points.str() << "\"/>\n";
    }
  }

  void write_legend() {
    if (curves_.empty()) return;
    constexpr int kLineHeight = 22;
    constexpr int kLetter = 8;
    std::size_t longest = 0;
    for (const Curve& curve : curves_) longest = std::max(longest, curve.label.size());
    const int box = 52 + kLetter * static_cast<int>(longest);
    const int left = kLeft + kPlotWidth - box - 8;
    out_ << "<rect x=\"" << left << "\" y=\"" << kTop + 8 << "\" width=\"" << box << "\" height=\""
         << kLineHeight * static_cast<int>(curves_.size()) + 10
         << "\" fill=\"#fff\" fill-opacity=\"0.85\" stroke=\"#ddd\"/>\n";
    for (std::size_t i = 0; i < curves_.size(); ++i) {
      const int base = kTop + 28 + kLineHeight * static_cast<int>(i);
      out_ << "<line x1=\"" << left + 10 << "\" y1=\"" << base - 5 << "\" x2=\"" << left + 34
           << "\" y2=\"" << base - 5 << "\" stroke-width=\"3\" stroke=\"" << colour(i) << "\"/>\n";
      text(left + 42, base, "text-anchor=\"start\"", curves_[i].label);
    }
  }

  static const char* colour(std::size_t index) { return kColours[index % kColours.size()]; }

  const std::vector<Curve>& curves_;
  Interval x_;
  Interval y_;
  std::ostringstream out_;
};

}  // namespace

void render_curves(const std::string& title, const std::string& x_label, const std::string& y_label,
                   const std::vector<Curve>& curves, const std::filesystem::path& svg) {
  for (const Curve& curve : curves) {
    check(curve.x.size() == curve.y.size(), "render_curves: ", curve.label, " has ", curve.x.size(),
          " x and ", curve.y.size(), " y values");
  }
  write_file_atomic(svg, ChartWriter(curves).write(title, x_label, y_label));
}

}  // namespace cadenza
