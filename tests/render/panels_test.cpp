// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cadenza/render.h"
#include "render/decode_png.h"
#include "support/expect_error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::Picture;

constexpr Colour kFirst = {232, 113, 10};
constexpr Colour kSecond = {31, 119, 196};

Picture draw(const std::vector<Panel>& panels, int columns = 2) {
  const test::TmpDir folder;
  render_panels("title", panels, columns, folder / "sheet.png");
  return test::decode_png(folder / "sheet.png");
}

/// The rows of column x, below the header, in which this colour stands.
std::vector<int> rows_of(const Picture& picture, int x, Colour colour) {
  std::vector<int> rows;
  for (int y = 70; y < picture.height; ++y) {
    if (picture.at(x, y) == colour) rows.push_back(y);
  }
  return rows;
}

/// The columns of a panel in which this colour stands, from the left.
std::vector<int> columns_of(const Picture& picture, Colour colour) {
  std::vector<int> columns;
  for (int x = 0; x < picture.width; ++x) {
    if (!rows_of(picture, x, colour).empty()) columns.push_back(x);
  }
  return columns;
}

Panel line(const std::string& label, std::vector<double> x, std::vector<double> y) {
  return {"panel", "x", "y", {{label, std::move(x), std::move(y)}}, {}};
}

TEST(Panels, ALineGoesThroughItsPoints) {
  const Picture picture = draw({line("a", {0, 1, 2}, {0, 4, 1})});
  const std::vector<int> columns = columns_of(picture, kFirst);
  ASSERT_FALSE(columns.empty());
  const int left = columns.front();
  const int right = columns.back();
  // No column between is empty, and the highest point is in the middle, four times as high as the
  // last.
  EXPECT_EQ(static_cast<int>(columns.size()), right - left + 1);
  const int top = rows_of(picture, (left + right) / 2, kFirst).front();
  const int end = rows_of(picture, right, kFirst).front();
  const int bottom = rows_of(picture, left, kFirst).back();
  EXPECT_NEAR(bottom - top, 4 * (bottom - end), 16);
  EXPECT_GT(bottom - top, 200);
}

TEST(Panels, BarsAreAsHighAsTheirValues) {
  const Picture picture =
      draw({{"panel", "x", "y", {{"a", {}, {1.0, 0.0}}, {"b", {}, {0.5, 0.25}}}, {"one", "two"}}});
  const std::vector<int> a = columns_of(picture, kFirst);
  const std::vector<int> b = columns_of(picture, kSecond);
  ASSERT_FALSE(a.empty());
  const auto height = [&](int x, Colour colour) {
    return static_cast<double>(rows_of(picture, x, colour).size());
  };
  EXPECT_NEAR(height(b.front(), kSecond), height(a.front(), kFirst) / 2, 2);
  EXPECT_NEAR(height(b.back(), kSecond), height(a.front(), kFirst) / 4, 2);
  EXPECT_LT(a.back(), b.front()) << "the second group of a has height 0";
}

TEST(Panels, ALabelHasOneColourInEveryPanel) {
  const Picture picture =
      draw({line("a", {0, 1}, {1, 1}), line("b", {0, 1}, {1, 1}), line("a", {0, 1}, {1, 1})}, 3);
  const std::vector<int> a = columns_of(picture, kFirst);
  const std::vector<int> b = columns_of(picture, kSecond);
  const int panel = picture.width / 3;
  EXPECT_TRUE(std::all_of(b.begin(), b.end(), [&](int x) { return x / panel == 1; }));
  EXPECT_TRUE(std::none_of(a.begin(), a.end(), [&](int x) { return x / panel == 1; }));
}

TEST(Panels, FillRowsOfColumns) {
  const Panel panel = line("a", {0, 1}, {1, 2});
  const Picture one = draw({panel}, 3);
  const Picture four = draw({panel, panel, panel, panel}, 3);
  EXPECT_EQ(four.width, 3 * one.width);
  EXPECT_GT(four.height, one.height + 300);
}

TEST(Panels, DrawWhatHasNoValues) {
  EXPECT_TRUE(columns_of(draw({line("a", {}, {})}), kFirst).empty());
  EXPECT_TRUE(columns_of(draw({line("a", {0, 1}, {1, std::nan("")})}), kFirst).empty());
}

TEST(Panels, RefuseCurvesOfAnotherLength) {
  test::expect_error<ArgumentError>([] { draw({line("a", {0, 1}, {1})}); }, "a has 1 y");
  test::expect_error<ArgumentError>(
      [] {
        draw({{"p", "", "", {{"a", {}, {1, 2}}}, {"one"}}});
      },
      "expected 1");
  test::expect_error<ArgumentError>([] { draw({}); }, "0 panels");
}

}  // namespace
}  // namespace cadenza
