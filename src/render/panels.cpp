// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/render.h"
#include "render/canvas.h"
#include "render/ticks.h"

namespace cadenza {
namespace {

constexpr int kPanelWidth = 620;
constexpr int kPanelHeight = 400;
constexpr int kHeader = 64;
constexpr int kLeft = 96;
constexpr int kRight = 24;
constexpr int kTop = 44;
constexpr int kBottom = 76;
constexpr int kPlotWidth = kPanelWidth - kLeft - kRight;
constexpr int kPlotHeight = kPanelHeight - kTop - kBottom;
constexpr int kScale = 2;  // of text

constexpr Colour kPaper = {255, 255, 255};
constexpr Colour kInk = {51, 51, 51};
constexpr Colour kGrid = {228, 228, 228};
constexpr std::array<Colour, 6> kColours = {
    {{232, 113, 10}, {31, 119, 196}, {42, 157, 74}, {209, 52, 91}, {130, 86, 200}, {160, 131, 0}}};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  /// Never empty.
  Range filled() const {
    if (low > high) return {0.0, 1.0};
    return high > low ? *this : Range{low - 0.5, low + 0.5};
  }
};

std::vector<std::string> labels_of(const std::vector<Panel>& panels) {
  std::vector<std::string> labels;
  for (const Panel& panel : panels) {
    for (const Curve& curve : panel.curves) {
      if (std::find(labels.begin(), labels.end(), curve.label) == labels.end()) {
        labels.push_back(curve.label);
      }
    }
  }
  return labels;
}

Colour colour_of(const std::vector<std::string>& labels, const std::string& label) {
  const auto place = std::find(labels.begin(), labels.end(), label) - labels.begin();
  return kColours[static_cast<std::size_t>(place) % kColours.size()];
}

/// One panel with its top left corner at (left, top) of the sheet.
class PanelPainter {
 public:
  PanelPainter(Canvas& canvas, const Panel& panel, const std::vector<std::string>& labels, int left,
               int top)
      : canvas_(canvas),
        panel_(panel),
        labels_(labels),
        panel_left_(left),
        left_(left + kLeft),
        top_(top + kTop) {
    Range x;
    Range y;
    y.include(0.0);
    for (const Curve& curve : panel.curves) {
      for (const double value : curve.x) x.include(value);
      for (const double value : curve.y) y.include(value);
    }
    x_ = x.filled();
    y_ = y.filled();
    y_.high += 0.05 * (y_.high - y_.low);
  }

  void paint() {
    canvas_.text(left_ + 12, top_ - 28, panel_.title, kScale, kInk);
    paint_y_axis();
    if (panel_.bars.empty()) {
      paint_x_axis();
      for (const Curve& curve : panel_.curves) paint_line(curve);
    } else {
      paint_bars();
      paint_bar_names();
    }
    canvas_.fill(left_, top_ + kPlotHeight, kPlotWidth, 2, kInk);
    canvas_.fill(left_ - 2, top_, 2, kPlotHeight + 2, kInk);
    centred(left_ + kPlotWidth / 2, top_ + kPlotHeight + 56, panel_.x_label);
  }

 private:
  int x(double value) const {
    return left_ +
           static_cast<int>(std::lround((value - x_.low) / (x_.high - x_.low) * kPlotWidth));
  }
  int y(double value) const {
    return top_ + kPlotHeight -
           static_cast<int>(std::lround((value - y_.low) / (y_.high - y_.low) * kPlotHeight));
  }
  Colour colour(const Curve& curve) const { return colour_of(labels_, curve.label); }

  void centred(int middle, int top, const std::string& text) {
    canvas_.text(middle - Canvas::text_width(text, kScale) / 2, top, text, kScale, kInk);
  }

  void paint_y_axis() {
    for (const double value : round_ticks(y_.low, y_.high, 5)) {
      canvas_.fill(left_, y(value), kPlotWidth, 1, kGrid);
      const std::string text = number(value, y_);
      canvas_.text(left_ - 8 - Canvas::text_width(text, kScale), y(value) - 7, text, kScale, kInk);
    }
    // There is no turned text: the name of the axis stands over it.
    canvas_.text(panel_left_ + 6, top_ - 28, panel_.y_label, kScale, kInk);
  }

  void paint_x_axis() {
    for (const double value : round_ticks(x_.low, x_.high, 6)) {
      canvas_.fill(x(value), top_, 1, kPlotHeight + 6, kGrid);
      centred(x(value), top_ + kPlotHeight + 12, number(value, x_));
    }
  }

  static std::string number(double value, const Range& axis) {
    return std::abs(value) < (axis.high - axis.low) * 1e-9 ? "0" : message(value);
  }

  void paint_line(const Curve& curve) {
    for (std::size_t i = 1; i < curve.x.size(); ++i) {
      if (!std::isfinite(curve.y[i - 1]) || !std::isfinite(curve.y[i])) continue;
      paint_piece({x(curve.x[i - 1]), y(curve.y[i - 1])}, {x(curve.x[i]), y(curve.y[i])},
                  colour(curve));
    }
  }

  struct Point {
    int x;
    int y;
  };
  /// A straight piece, column by column; `to` is not left of `from`.
  void paint_piece(Point from, Point to, Colour colour) {
    constexpr int kThickness = 3;
    const int columns = std::max(to.x - from.x, 1);
    int last = from.y;
    for (int i = 1; i <= columns; ++i) {
      const int next = from.y + (to.y - from.y) * i / columns;
      canvas_.fill(from.x + i - 1, std::min(last, next) - 1, kThickness,
                   std::abs(next - last) + kThickness, colour);
      last = next;
    }
  }

  /// Where the group of the i-th name begins.
  int slot(std::size_t i) const {
    return left_ + static_cast<int>(i) * kPlotWidth / static_cast<int>(panel_.bars.size());
  }

  void paint_bars() {
    const int count = static_cast<int>(panel_.curves.size());
    for (std::size_t i = 0; i < panel_.bars.size(); ++i) {
      const int width = std::max((slot(i + 1) - slot(i)) * 4 / 5 / std::max(count, 1), 1);
      int from = (slot(i) + slot(i + 1) - width * count) / 2;
      for (const Curve& curve : panel_.curves) {
        if (std::isfinite(curve.y[i])) {
          canvas_.fill(from, y(curve.y[i]), width, y(0.0) - y(curve.y[i]), colour(curve));
        }
        from += width;
      }
    }
  }

  /// In two rows by turns if they do not fit side by side.
  void paint_bar_names() {
    int widest = 0;
    for (const std::string& name : panel_.bars) {
      widest = std::max(widest, Canvas::text_width(name, kScale));
    }
    const bool crowded = widest > slot(1) - slot(0);
    for (std::size_t i = 0; i < panel_.bars.size(); ++i) {
      const int row = crowded && i % 2 == 1 ? 18 : 0;
      centred((slot(i) + slot(i + 1)) / 2, top_ + kPlotHeight + 12 + row, panel_.bars[i]);
    }
  }

  Canvas& canvas_;
  const Panel& panel_;
  const std::vector<std::string>& labels_;
  int panel_left_;
  int left_;
  int top_;
  Range x_;
  Range y_;
};

void paint_header(Canvas& canvas, const std::string& title,
                  const std::vector<std::string>& labels) {
  constexpr int kTextTop = 24;
  canvas.text(24, kTextTop, title, 3, kInk);
  int right = canvas.width() - 24;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    right -= Canvas::text_width(*label, kScale);
    canvas.text(right, kTextTop + 4, *label, kScale, kInk);
    right -= 28;
    canvas.fill(right, kTextTop, 20, 20, colour_of(labels, *label));
    right -= 24;
  }
}

}  // namespace

void render_panels(const std::string& title, const std::vector<Panel>& panels, int columns,
                   const std::filesystem::path& png) {
  check(columns >= 1 && !panels.empty(), "render_panels: ", panels.size(), " panels in ", columns,
        " columns, expected 1 or more of both");
  for (const Panel& panel : panels) {
    for (const Curve& curve : panel.curves) {
      const std::size_t expected = panel.bars.empty() ? curve.x.size() : panel.bars.size();
      check(curve.y.size() == expected, "render_panels: ", panel.title, ": ", curve.label, " has ",
            curve.y.size(), " y values, expected ", expected);
    }
  }
  const std::vector<std::string> labels = labels_of(panels);
  const int count = static_cast<int>(panels.size());
  Canvas canvas(std::min(columns, count) * kPanelWidth,
                kHeader + (count + columns - 1) / columns * kPanelHeight, kPaper);
  paint_header(canvas, title, labels);
  for (int i = 0; i < count; ++i) {
    PanelPainter(canvas, panels[static_cast<std::size_t>(i)], labels, i % columns * kPanelWidth,
                 kHeader + i / columns * kPanelHeight)
        .paint();
  }
  write_file_atomic(png, canvas.png());
}

}  // namespace cadenza
