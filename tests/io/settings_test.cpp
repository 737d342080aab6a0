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

Settings settings_of(std::string_view toml) { return parse_settings(toml, "test.toml"); }

TEST(ParseSettings, FlattensTablesAndJoinsLists) {
  const Settings expected = {{"cell", "lstm"},           {"layers", "2"},
                             {"learning-rate", "0.001"}, {"resume", "false"},
                             {"split", "0.8,0.1,0.1"},   {"train.batch_size", "32"},
                             {"train.adam.beta", "0.9"}, {"empty", ""}};
  EXPECT_EQ(settings_of(R"(
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

TEST(ParseSettings, ReadsAnEmptyFile) { EXPECT_TRUE(settings_of("").empty()); }

TEST(ParseSettings, SkipsAByteOrderMark) {
  EXPECT_EQ(settings_of("\xef\xbb\xbf"
                        "a = 1")
                .at("a"),
            "1");
}

TEST(ParseSettings, ReadsEveryFormOfString) {
  const Settings expected = {{"basic", "a\t\"\\ \xc3\xa9\xf0\x9f\x8e\xb5"},
                             {"empty", ""},
                             {"literal", R"(C:\x)"},
                             {"long", "first\nsecond \"\"quoted\"\"third\""},
                             {"long_literal", "'' \\n\n'"}};
  EXPECT_EQ(
      settings_of("basic = \"a\\t\\\"\\\\ \\u00e9\\U0001F3B5\"\nempty = \"\"\nliteral = 'C:\\x'\n"
                  "long = \"\"\"\nfirst\r\nsecond \\  \n\n  \"\"quoted\"\"third\"\"\"\"\n"
                  "long_literal = '''\n'' \\n\n''''  # end"),
      expected);
}

TEST(ParseSettings, BringsNumbersToTheirShortestForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"+7", "7"},       {"-0", "0"},         {"1_000", "1000"},
      {"0xfF", "255"},   {"0o17", "15"},      {"0b101", "5"},
      {"1e3", "1000"},   {"6.0", "6"},        {"-2.50", "-2.5"},
      {"1E-4", "1e-04"}, {"1e-3", "0.001"},   {"+inf", "inf"},
      {"-nan", "nan"},   {"1_0.5_0", "10.5"}, {"9223372036854775807", "9223372036854775807"}};
  for (const auto& [toml, value] : cases) {
    SCOPED_TRACE(toml);
    EXPECT_EQ(settings_of(message("x = ", toml)).at("x"), value);
  }
}

TEST(ParseSettings, RefusesWhatIsNoNumber) {
  for (const char* toml : {"01",
                           "1.",
                           ".5",
                           "1e",
                           "1_",
                           "_1",
                           "1__0",
                           "0x",
                           "-0x1",
                           "0xg",
                           "+-1",
                           "1.e3",
                           "--1",
                           "0x_1",
                           "infinity",
                           "1e999",
                           "99999999999999999999",
                           "True",
                           "1979-05-27",
                           "07:32:00",
                           "{a = 1}",
                           "lstm",
                           "0\"\xcb\xbf\""}) {
    SCOPED_TRACE(toml);
    expect_error<FormatError>([&] { settings_of(message("x = ", toml)); },
                              "of 'x' is neither text in quotes, number, boolean nor a list");
  }
}

TEST(ParseSettings, RefusesWhatIsNoSetting) {
  struct Bad {
    const char* toml;
    const char* message;
  };
  const Bad cases[] = {
      {"a = 1\nb = ", "test.toml line 2: the value '' of 'b' is neither"},
      {"a = 1\na = 2", "test.toml line 2: the key 'a' has a value already"},
      {"a = 1\na.b = 2", "the key 'a' has a value already"},
      {"a = 1\n[a]", "the key 'a' has a value already"},
      {"a.b = 1\na = 2", "the key 'a' is a table already"},
      {"[a.b]\n[a]\nb = 2", "the key 'a.b' is a table already"},
      {"[a]\n[a]", "the table 'a' occurs twice"},
      {"a = \"\xff\"", "test.toml line 1: a byte that is not UTF-8"},
      {"a = \"\xed\xa0\x80\"", "not UTF-8"},
      {"a = \"\xc0\x80\"", "not UTF-8"},
      {"a = [[1], [2]]", "the value '[1' of 'a' is neither"},
      {"[[a]]\nb = 1", "lists of tables are not supported"},
      {"a = [\"x,y\"]", "the list 'a' has an item with a comma"},
      {"a = [1 2]", "neither ',' nor ']'"},
      {"a = [1,", "of 'a' is neither"},
      {"a = 1 b = 2", "text where the line should end"},
      {"[a] b = 2", "text where the line should end"},
      {"[a", "no ']'"},
      {"a", "no '=' after the key 'a'"},
      {"= 1", "no key where one should be"},
      {"a. = 1", "no key where one should be"},
      {"\xc3\xb6 = 1", "no key where one should be"},
      {"\"a.b\" = 1", "the key 'a.b' is not made of"},
      {"\"\" = 1", "the key '' is not made of"},
      {"a = \"x", "a string does not end"},
      {"a = '''x''", "a string does not end"},
      {"a = \"x\ny\"", "a control character"},
      {"a = 'x\x7f'", "a control character"},
      {"# \x01", "a control character"},
      {"a = \"\\x\"", "an unknown escape"},
      {"a = \"\\", "an unknown escape"},
      {"a = \"\"\"\\ x\"\"\"", "an unknown escape"},
      {"a = \"\\u12g4\"", "lacks hexadecimal digits"},
      {"a = \"\\ud800\"", "not a character"},
      {"a = \"\\UFFFFFFFF\"", "not a character"},
  };
  for (const Bad& bad : cases) {
    SCOPED_TRACE(bad.toml);
    expect_error<FormatError>([&] { settings_of(bad.toml); }, bad.message);
  }
}

TEST(ParseSettings, RefusesAZeroByte) {
  for (const std::string_view text : {std::string_view("\0", 1), std::string_view("a = 1\0", 6),
                                      std::string_view("a = \"\0\"", 7)}) {
    EXPECT_THROW(settings_of(text), FormatError);
  }
}

TEST(ParseSettings, ReportsTheByteOfTheFault) {
  const std::string good = "name = \"größe\"\n";
  try {
    settings_of(good + "day = 1979-05-27\n");
    FAIL() << "no exception";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), good.size() + std::string("day = ").size());
  }
}

TEST(ParseSettings, SurvivesDeepNesting) {
  std::string deep = "a";
  for (int i = 0; i < 1'000'000; ++i) deep += ".a";
  expect_error<FormatError>([&] { settings_of(deep + " = 1"); }, "a key of more than 32 parts");
  expect_error<FormatError>([&] { settings_of("[" + deep + "]"); }, "a key of more than 32 parts");
  EXPECT_THROW(settings_of("a = " + std::string(1'000'000, '[')), FormatError);
  std::string header = "[a";
  for (int i = 0; i < 30; ++i) header += ".a";
  expect_error<FormatError>([&] { settings_of(header + "]\nb.c.d = 1"); }, "a key of more than 32");
  EXPECT_EQ(settings_of(header + "]\nb = 1").size(), 1U);
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
  EXPECT_EQ(settings_of(format_settings(settings)), settings);
}

TEST(FormatSettings, LeavesNumbersAndBooleansBare) {
  EXPECT_EQ(format_settings({{"a", "2"}, {"b", "0.5"}, {"c", "true"}, {"d", "lstm"}}),
            "a = 2\nb = 0.5\nc = true\nd = \"lstm\"\n");
}

TEST(FormatSettings, RefusesWhatTomlCannotHold) {
  expect_error<ArgumentError>([] { format_settings({{"a b", "1"}}); }, "the key 'a b'");
  expect_error<ArgumentError>([] { format_settings({{"a..b", "1"}}); }, "the key 'a..b'");
  expect_error<ArgumentError>([] { format_settings({{"", "1"}}); }, "the key ''");
  expect_error<ArgumentError>(
      [] {
        format_settings({{"a", "\xff"}});
      },
      "the value of 'a' is not UTF-8");
  expect_error<ArgumentError>(
      [] {
        format_settings({{"a", "1"}, {"a-b", "2"}, {"a.b", "3"}});
      },
      "'a' is both a value and the table of 'a.b'");
}

}  // namespace
}  // namespace cadenza
