// SPDX-License-Identifier: Apache-2.0
#include "io/settings.h"

#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "support/expect_error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::expect_error;

Settings parse(std::string_view toml) { return parse_settings(toml, "test.toml"); }

TEST(ParseSettings, FlattensTablesAndJoinsLists) {
  const Settings expected = {{"cell", "lstm"},           {"layers", "2"},
                             {"learning-rate", "0.001"}, {"resume", "false"},
                             {"split", "0.8,0.1,0.1"},   {"train.batch_size", "32"},
                             {"train.adam.beta", "0.9"}, {"empty", ""}};
  EXPECT_EQ(parse(R"(
    cell = "lstm"          # a comment
    layers = 2
    learning-rate = 1e-3
    resume = false
    split = [0.8, 0.1, 0.1]
    empty = []
    [train]
    batch_size = 32
    adam.beta = 0.9
  )"),
            expected);
}

TEST(ParseSettings, ReadsAnEmptyFile) { EXPECT_TRUE(parse("").empty()); }

TEST(ParseSettings, SkipsAByteOrderMark) {
  EXPECT_EQ(parse("\xef\xbb\xbf"
                  "a = 1")
                .at("a"),
            "1");
}

TEST(ParseSettings, RefusesWhatIsNoSetting) {
  struct Bad {
    const char* toml;
    const char* message;
  };
  const Bad cases[] = {
      {"a = 1\nb = ", "test.toml line 2"},
      {"a = 1\na = 2", "test.toml line 2"},
      {"a = \"\xff\"", "test.toml line 1"},
      {"a = 99999999999999999999", "test.toml line 1"},
      {"day = 1979-05-27", "'day' is neither text, number, boolean nor a list of these"},
      {"a = [[1], [2]]", "'a' is neither"},
      {"[[a]]\nb = 1", "'a' is neither"},
      {"a = [\"x,y\"]", "'a' has an item with a comma"},
      {"\"a.b\" = 1", "the key 'a.b' is not made of"},
      {"\"\" = 1", "the key '' is not made of"},
      {"a = 0x\xcf\xa2", "a letter beyond ASCII"},
      {"gr\xc3\xb6\xc3\x9f"
       "e = 1",
       "a letter beyond ASCII"},
  };
  for (const Bad& bad : cases) {
    SCOPED_TRACE(bad.toml);
    expect_error<FormatError>([&] { parse(bad.toml); }, bad.message);
  }
}

TEST(ParseSettings, RefusesWhatTheLibraryCannotTellFromWhiteSpace) {
  expect_error<FormatError>([] { parse("a = 0\"\xcb\xbf\""); }, "a quote inside of a value");
  expect_error<FormatError>([] { parse("a = \"\"\"x\\\n  \xc3\xa9\"\"\""); }, "behind a backslash");
  EXPECT_EQ(parse("a.\"b\" = [\"\xc3\xa9\", '\xc3\xa9'] # \xc3\xa9").at("a.b"),
            "\xc3\xa9,\xc3\xa9");
}

TEST(ParseSettings, ReportsTheByteOfTheFault) {
  const std::string good = "name = \"größe\"\n";
  try {
    parse(good + "day = 1979-05-27\n");
    FAIL() << "no exception";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), good.size() + std::string("day = ").size());
  }
}

TEST(ParseSettings, SurvivesDeepNesting) {
  std::string deep = "a";
  for (int i = 0; i < 1'000'000; ++i) deep += ".a";
  expect_error<FormatError>([&] { parse(deep + " = 1"); }, "a key of more than 32 parts");
  expect_error<FormatError>([&] { parse("[" + deep + "]"); }, "a key of more than 32 parts");
  EXPECT_THROW(parse("a = " + std::string(1'000'000, '[')), FormatError);
  EXPECT_THROW(parse("a = '''''" + deep + " = 1"), FormatError);
  std::string header = "[a";
  for (int i = 0; i < 30; ++i) header += ".a";
  expect_error<FormatError>([&] { parse(header + "]\nb.c.d = 1"); }, "a key of more than 32");
  EXPECT_EQ(parse(header + "]\nb = 1").size(), 1U);
}

TEST(ParseSettings, CountsNoDotsInTextAndComments) {
  const std::string dots =
      " 1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26"
      ".27.28.29.30.31.32.33.34.35";
  EXPECT_EQ(parse("#" + dots + "\na = \"\\\"" + dots + "\"\nb = '" + dots + "'\nc = \"\"\"\n\"" +
                  dots + "\"\"\"\"\"\nd = '''" + dots + "''''\n")
                .size(),
            4U);
}

TEST(LoadSettings, NamesTheFile) {
  const test::TmpDir folder;
  write_file_atomic(folder / "a.toml", "x = 1");
  write_file_atomic(folder / "b.toml", "oops");
  EXPECT_EQ(load_settings(folder / "a.toml").at("x"), "1");
  expect_error<FormatError>([&] { load_settings(folder / "b.toml"); }, "b.toml line 1");
}

TEST(FormatSettings, IsReadBackUnchanged) {
  const Settings settings = {{"plain", "text"},
                             {"quoted", "a \"b\" \\ c\n\t\x01 größe"},
                             {"integer", "-12"},
                             {"real", "0.001"},
                             {"small", "1e-07"},
                             {"infinite", "-inf"},
                             {"flag", "true"},
                             {"empty", ""},
                             {"not_canonical", "1e-3"},
                             {"zeros", "007"},
                             {"minus_zero", "-0"},
                             {"nan", "nan"},
                             {"huge", "12345678901234567000"},
                             {"plus", "+1"},
                             {"hexadecimal", "0x10"},
                             {"list", "0.8,0.1,0.1"},
                             {"table.key", "1"},
                             {"table.inner.key", "2"}};
  EXPECT_EQ(parse(format_settings(settings)), settings);
}

TEST(FormatSettings, LeavesNumbersAndBooleansBare) {
  EXPECT_EQ(format_settings({{"a", "2"}, {"b", "0.5"}, {"c", "true"}, {"d", "lstm"}}),
            "a = 2\nb = 0.5\nc = true\nd = \"lstm\"\n");
}

TEST(FormatSettings, RefusesWhatTomlCannotHold) {
  expect_error<ArgumentError>([] { format_settings({{"a b", "1"}}); }, "the key 'a b'");
  expect_error<ArgumentError>([] { format_settings({{"a..b", "1"}}); }, "the key 'a..b'");
  expect_error<ArgumentError>([] { format_settings({{"", "1"}}); }, "the key ''");
  expect_error<ArgumentError>([] { format_settings({{"a", "\xff"}}); }, "'a' is not UTF-8");
  expect_error<ArgumentError>(
      [] {
        format_settings({{"a", "1"}, {"a-b", "2"}, {"a.b", "3"}});
      },
      "'a' is both a value and the table of 'a.b'");
}

}  // namespace
}  // namespace cadenza
