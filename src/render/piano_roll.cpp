// SPDX-License-Identifier: Apache-2.0
#include "render/piano_roll.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/render.h"

namespace cadenza {
namespace {

constexpr Colour kBackground = {18, 20, 27};
constexpr Colour kWhiteRow = {30, 33, 42};
constexpr Colour kBlackRow = {25, 27, 35};
constexpr Colour kOctaveLine = {58, 63, 78};
constexpr Colour kBarLine = {64, 70, 87};
constexpr Colour kBeatLine = {39, 43, 54};
constexpr Colour kText = {200, 205, 217};
constexpr Colour kDimText = {128, 135, 152};
constexpr Colour kWhiteKey = {222, 224, 230};
constexpr Colour kBlackKey = {40, 43, 52};
constexpr int kTextScale = 2;

// Told apart on the dark background, neighbours in the list most of all.
constexpr std::array<Colour, 8> kPalette = {{{92, 200, 255},
                                             {255, 176, 72},
                                             {132, 224, 128},
                                             {255, 120, 150},
                                             {190, 150, 255},
                                             {250, 226, 100},
                                             {80, 220, 205},
                                             {240, 140, 230}}};

bool is_black(int pitch) {
  constexpr std::array<bool, 12> kBlack = {false, true,  false, true,  false, false,
                                           true,  false, true,  false, true,  false};
  return kBlack[static_cast<std::size_t>(pitch % 12)];
}

std::string clock(double seconds) {
  const auto total = static_cast<std::int64_t>(std::llround(seconds));
  return message(total / 60, ":", std::setw(2), std::setfill('0'), total % 60);
}

class RollPainter {
 public:
  explicit RollPainter(const Score& score)
      : score_(score),
        map_(score),
        layout_(score),
        canvas_(layout_.width(), layout_.height(), kBackground) {}

  Canvas paint() {
    paint_rows();
    paint_bars();
    paint_octaves();
    // The first track, mostly the melody, comes on top.
    for (std::size_t i = score_.tracks.size(); i-- > 0;) paint_notes(i);
    paint_keyboard();
    paint_time_axis();
    paint_header();
    return std::move(canvas_);
  }

 private:
  int x(std::int64_t tick) const { return layout_.x(map_.seconds(tick)); }

  void vertical(int column, Colour colour) {
    canvas_.fill(column, layout_.top(), 1, layout_.plot_height(), colour);
  }

  void paint_rows() {
    for (int pitch = layout_.lowest(); pitch <= layout_.highest(); ++pitch) {
      canvas_.fill(layout_.left(), layout_.y(pitch), layout_.plot_width(), layout_.row_height(),
                   is_black(pitch) ? kBlackRow : kWhiteRow);
    }
  }

  void paint_octaves() {
    for (int pitch = layout_.lowest(); pitch <= layout_.highest(); ++pitch) {
      if (pitch % 12 != 0) continue;
      const int bottom = layout_.y(pitch) + layout_.row_height() - 1;
      canvas_.fill(layout_.left(), bottom, layout_.plot_width(), 1, kOctaveLine);
    }
  }

  void paint_bars() {
    std::vector<TimeSignature> metres = score_.time_signatures;
    if (metres.empty() || metres.front().tick > 0) metres.insert(metres.begin(), TimeSignature());
    std::int64_t bar = 1;
    for (std::size_t i = 0; i < metres.size(); ++i) {
      const std::int64_t end = i + 1 < metres.size() ? metres[i + 1].tick : score_.end();
      bar += paint_bars(metres[i], end, bar);
    }
  }

  // Bars of one metre up to `end`; returns how many began. Lines keep a distance, so their number
  // is bounded by the width whatever the length of the piece.
  std::int64_t paint_bars(const TimeSignature& metre, std::int64_t end, std::int64_t first_bar) {
    const std::int64_t beat =
        std::max<std::int64_t>(1, std::int64_t{4} * score_.ticks_per_quarter / metre.denominator);
    const std::int64_t bar = beat * std::max(1, metre.numerator);
    const std::int64_t bars = end > metre.tick ? (end - metre.tick - 1) / bar + 1 : 0;
    if (bars == 0) return 0;
    const double pixels = static_cast<double>(x(end) - x(metre.tick)) / static_cast<double>(bars);
    constexpr double kNearestLines = 8.0;
    constexpr double kNearestNumbers = 56.0;
    std::int64_t step = 1;
    while (static_cast<double>(step) * pixels < kNearestLines && step < bars) step *= 2;
    std::int64_t number_step = step;
    while (static_cast<double>(number_step) * pixels < kNearestNumbers && number_step < bars) {
      number_step *= 2;
    }
    const bool beats = pixels / metre.numerator >= kNearestLines;
    for (std::int64_t i = 0; i < bars; i += step) {
      const std::int64_t tick = metre.tick + i * bar;
      for (int j = 1; beats && j < metre.numerator; ++j) vertical(x(tick + j * beat), kBeatLine);
      vertical(x(tick), kBarLine);
      if (i % number_step == 0) {
        canvas_.text(x(tick), layout_.top() - 12, std::to_string(first_bar + i), 1, kDimText);
      }
    }
    return bars;
  }

  void paint_notes(std::size_t track) {
    const int height = layout_.row_height();
    for (const Note& note : score_.tracks[track].notes) {
      const int begin = x(note.start);
      // The dark column at the end parts repeated notes.
      const int length = std::max(2, x(note.end) - begin);
      const Colour colour = note_colour(track, note.velocity);
      const int top = layout_.y(note.pitch);
      canvas_.fill(begin, top, length, height, mix(colour, kBackground, 0.75));
      canvas_.fill(begin, top, std::max(1, length - 1), std::max(1, height - 1), colour);
    }
  }

  void paint_keyboard() {
    constexpr int kKeyLeft = 44;
    const int width = layout_.left() - kKeyLeft - 2;
    for (int pitch = layout_.lowest(); pitch <= layout_.highest(); ++pitch) {
      const int top = layout_.y(pitch);
      const int height = layout_.row_height();
      canvas_.fill(kKeyLeft, top, width, height, kWhiteKey);
      if (is_black(pitch)) canvas_.fill(kKeyLeft, top, width * 2 / 3, height, kBlackKey);
      // White keys touch between B and C, and between E and F.
      if (pitch % 12 == 0 || pitch % 12 == 5) {
        canvas_.fill(kKeyLeft, top + height - 1, width, 1, kDimText);
      }
      if (pitch % 12 != 0) continue;
      const std::string name = message("C", pitch / 12 - 1);
      const int text_top = top + (height - Canvas::text_height(kTextScale)) / 2;
      canvas_.text(kKeyLeft - 6 - Canvas::text_width(name, kTextScale), text_top, name, kTextScale,
                   kText);
    }
  }

  void paint_time_axis() {
    constexpr double kNearestLabels = 90.0;
    constexpr std::array<double, 12> kSteps = {1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600};
    const double pixels = layout_.plot_width() / layout_.seconds();
    const auto* found = std::find_if(kSteps.begin(), kSteps.end(),
                                     [&](double step) { return step * pixels >= kNearestLabels; });
    const double step =
        found != kSteps.end() ? *found : 3600.0 * std::ceil(kNearestLabels / pixels / 3600.0);
    const int bottom = layout_.top() + layout_.plot_height();
    for (double time = 0.0; time <= layout_.seconds(); time += step) {
      const std::string label = clock(time);
      canvas_.fill(layout_.x(time), bottom, 1, 6, kDimText);
      canvas_.text(layout_.x(time) - Canvas::text_width(label, kTextScale) / 2, bottom + 12, label,
                   kTextScale, kText);
    }
  }

  void paint_header() {
    constexpr int kLine = 18;
    const std::string summary =
        message(score_.note_count(), " notes  ", clock(map_.seconds(score_.end())));
    const int summary_left = layout_.width() - 20 - Canvas::text_width(summary, kTextScale);
    canvas_.text(summary_left, kLine, summary, kTextScale, kDimText);
    int column = layout_.left();
    for (std::size_t i = 0; i < score_.tracks.size(); ++i) {
      const Track& track = score_.tracks[i];
      if (track.notes.empty()) continue;
      constexpr std::size_t kLongestName = 24;
      std::string name = track.name.substr(0, kLongestName);
      if (name.empty()) name = track.is_drum() ? "drums" : message("track ", i + 1);
      const int next = column + 34 + Canvas::text_width(name, kTextScale);
      if (next > summary_left) {
        canvas_.text(column, kLine, "...", kTextScale, kDimText);
        return;
      }
      canvas_.fill(column, kLine, 14, 14, note_colour(i, 127));
      canvas_.text(column + 20, kLine, name, kTextScale, kText);
      column = next;
    }
  }

  const Score& score_;
  TempoMap map_;
  RollLayout layout_;
  Canvas canvas_;
};

}  // namespace

RollLayout::RollLayout(const Score& score) : seconds_(TempoMap(score).seconds(score.end())) {
  constexpr double kShortest = 1.0;
  seconds_ = std::max(seconds_, kShortest);
  lowest_ = 127;
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      lowest_ = std::min<int>(lowest_, note.pitch);
      highest_ = std::max<int>(highest_, note.pitch);
    }
  }
  if (lowest_ > highest_) lowest_ = highest_ = 60;
  // Some air around the music, and at least three octaves, so that pieces compare at a glance.
  constexpr int kAir = 2;
  constexpr int kFewestRows = 36;
  lowest_ = std::max(0, lowest_ - kAir);
  highest_ = std::min(127, highest_ + kAir);
  while (highest_ - lowest_ + 1 < kFewestRows) {
    if (lowest_ > 0) --lowest_;
    if (highest_ < 127) ++highest_;
  }
  constexpr int kIdealHeight = 520;
  row_height_ = std::clamp(kIdealHeight / (highest_ - lowest_ + 1), 5, 14);
  // Long pieces get a wider picture, up to a limit.
  constexpr double kPixelsPerSecond = 12.0;
  const double wanted = std::clamp(seconds_ * kPixelsPerSecond, 1504.0, 3000.0);
  plot_width_ = static_cast<int>(wanted);
}

int RollLayout::x(double seconds) const {
  const double share = std::clamp(seconds / seconds_, 0.0, 1.0);
  return kLeft + static_cast<int>(std::lround(share * plot_width_));
}

Colour note_colour(std::size_t track, int velocity) {
  const double brightness = 0.4 + 0.6 * std::clamp(velocity, 0, 127) / 127.0;
  return mix(kBackground, kPalette[track % kPalette.size()], brightness);
}

Canvas draw_piano_roll(const Score& score) { return RollPainter(score).paint(); }

void render_piano_roll(const Score& score, const std::filesystem::path& png) {
  write_file_atomic(png, draw_piano_roll(score).png());
}

}  // namespace cadenza
