// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>
#include <string>
#include <vector>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/render.h"
#include "render/ticks.h"
#include "support/expect_error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string chart(const std::vector<Curve>& curves, const std::string& title = "title") {
  const test::TmpDir folder;
  render_curves(title, "step", "loss", curves, folder / "c.svg");
  const auto bytes = read_file(folder / "c.svg");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Empty if every tag is closed in order, attributes are quoted and characters are escaped.
std::string xml_fault(const std::string& xml) {
  const std::regex tag(R"re(<(/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<]*")*)(/?)>\n?)re");
  const std::regex text(R"(([^<>&]|&(amp|lt|gt|quot);)*)");
  std::vector<std::string> open;
  auto position = xml.cbegin();
  std::smatch match;
  while (std::regex_search(position, xml.cend(), match, tag)) {
    const std::string between(position, match[0].first);
    if (!std::regex_match(between, text)) return "between tags: " + between;
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != match[2]) return "unexpected </" + match[2].str() + ">";
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(match[2]);
    }
    position = match[0].second;
  }
  if (position != xml.cend()) return "at the end: " + std::string(position, xml.cend());
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t i = text.find(part); i != std::string::npos; i = text.find(part, i + 1)) ++found;
  return found;
}

TEST(RenderCurves, IsWellFormedWhateverTheLabels) {
  const std::string svg =
      chart({{"a <b> & \"c\"", {0, 1, 2}, {3, 2, 1}}, {"valid", {0, 2}, {3, 1}}}, "x < y & \x01z");
  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_NE(svg.find("a &lt;b&gt; &amp; &quot;c&quot;"), std::string::npos);
  EXPECT_EQ(count(svg, "<polyline"), 2U);
}

TEST(RenderCurves, DrawsTheExtremesAtTheCornersOfThePlot) {
  const std::string svg = chart({{"a", {0, 10}, {1, 0}}});
  const std::regex points("points=\"([0-9.]+),([0-9.]+) ([0-9.]+),([0-9.]+)\"");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(svg, match, points));
  EXPECT_NEAR(std::stod(match[1]), 84, 1);
  EXPECT_NEAR(std::stod(match[3]), 876, 1);
  EXPECT_LT(std::stod(match[2]), std::stod(match[4]));  // a larger value is higher up
}

TEST(RenderCurves, LeavesOutPointsThatAreNotFinite) {
  const double huge = std::numeric_limits<double>::max();
  const std::string svg = chart({{"a", {0, 1, 2, kNan, 4, 5}, {1, kNan, -1.0 / 0.0, 3, 4, huge}}});
  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  const std::regex two_points("points=\"[^ ]+ [^ ]+\"");
  EXPECT_TRUE(std::regex_search(svg, two_points));
}

TEST(RenderCurves, DrawsDegenerateData) {
  EXPECT_EQ(xml_fault(chart({})), "");
  EXPECT_EQ(xml_fault(chart({{"empty", {}, {}}})), "");
  const std::string one = chart({{"one", {3}, {5}}});
  EXPECT_EQ(xml_fault(one), "");
  EXPECT_EQ(count(one, "<circle"), 1U);
  for (const double level : {0.0, 1e-290, 1e290, -3.0}) {
    const std::string svg = chart({{"flat", {1, 2}, {level, level}}});
    EXPECT_EQ(xml_fault(svg), "") << level;
    EXPECT_EQ(svg.find("nan"), std::string::npos) << level;
  }
}

TEST(RenderCurves, RefusesCurvesOfUnequalLengths) {
  test::expect_error<ArgumentError>(
      [] {
        chart({{"a", {1, 2}, {1}}});
      },
      "a has 2 x and 1 y values");
}

TEST(RoundTicks, AreRoundAndInside) {
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(-1, 1, 4), (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  EXPECT_EQ(round_ticks(0, 1999, 8), (std::vector<double>{0, 500, 1000, 1500}));
}

TEST(RoundTicks, AreFewAtEveryScale) {
  for (double scale = 1e-300; scale < 1e299; scale *= 7) {
    const std::size_t ticks = round_ticks(-scale, 1.7 * scale, 8).size();
    EXPECT_GE(ticks, 3U) << scale;
    EXPECT_LE(ticks, 12U) << scale;
  }
}

}  // namespace
}  // namespace cadenza
