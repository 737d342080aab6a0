// SPDX-License-Identifier: Apache-2.0
#include "cadenza/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "io/raw_safetensors.h"
#include "support/expect_error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::expect_error;
using test::raw_safetensors;
using Shape64 = std::vector<std::int64_t>;

SafetensorsReader golden() {
  return SafetensorsReader(std::filesystem::path(CADENZA_TEST_GOLDEN_DIR) /
                           "torch_style.safetensors");
}

TEST(SafetensorsReader, ReadsAFileOfThePythonPackage) {
  const SafetensorsReader file = golden();
  const FileArray& weight = file.at("lstm.weight_ih_l0");
  EXPECT_EQ(weight.dtype, DType::f32);
  EXPECT_EQ(weight.shape, (Shape64{2, 3}));
  EXPECT_EQ(weight.as<float>(), (std::vector<float>{-0.5F, -0.25F, 0, 0.25F, 0.5F, 0.75F}));
  EXPECT_EQ(file.at("double").shape, Shape64{});
  EXPECT_EQ(file.at("double").as<double>(), std::vector<double>{0.1});
  EXPECT_EQ(file.at("ids").as<std::int64_t>(), (Shape64{-1, std::int64_t{1} << 40}));
  EXPECT_EQ(file.at("mask").as<std::int32_t>(), (std::vector<std::int32_t>{1, 0, 1}));
  EXPECT_EQ(file.at("empty").shape, (Shape64{0, 4}));
  EXPECT_EQ(file.at("empty").count(), 0);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.metadata().at("note"), "größer");
}

TEST(SafetensorsReader, KeepsItsArraysWhenMoved) {
  SafetensorsReader file = golden();
  const SafetensorsReader moved = std::move(file);
  EXPECT_EQ(moved.at("double").as<double>(), std::vector<double>{0.1});
}

TEST(SafetensorsReader, NamesTheFileWhenAnArrayIsMissing) {
  const SafetensorsReader file = golden();
  const std::string text = expect_error<FormatError>([&] { file.at("bias"); }, "no array 'bias'");
  EXPECT_NE(text.find("torch_style.safetensors"), std::string::npos);
}

TEST(FileArray, ConvertsHalfPrecisionExactly) {
  const std::vector<float> values = golden().at("half").as<float>();
  EXPECT_EQ(values, (std::vector<float>{1, -2.5F, 65504, std::ldexp(1.0F, -24),
                                        std::numeric_limits<float>::infinity()}));
}

TEST(FileArray, ConvertsBrainFloats) {
  const std::vector<std::uint16_t> bits = {0x3f80, 0xc020, 0x7f80};
  const FileArray array{DType::bf16, {3}, std::as_bytes(std::span(bits))};
  EXPECT_EQ(array.as<double>(),
            (std::vector<double>{1, -2.5, std::numeric_limits<double>::infinity()}));
}

TEST(FileArray, RefusesIntegersThatDoNotFit) {
  const SafetensorsReader file = golden();
  expect_error<ArgumentError>([&] { file.at("ids").as<std::int32_t>(); },
                              "element 1 is 1099511627776, which does not fit i32");
}

TEST(FileArray, RefusesAnotherKind) {
  const SafetensorsReader file = golden();
  expect_error<ArgumentError>([&] { file.at("ids").as<float>(); }, "holds i64, asked for f32");
  expect_error<ArgumentError>([&] { file.at("half").as<std::uint8_t>(); }, "holds f16");
}

std::vector<std::byte> example() {
  SafetensorsWriter writer;
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6};
  const std::vector<std::uint8_t> odd = {7, 8, 9};
  const std::vector<std::int64_t> ids = {-1};
  writer.add<std::uint8_t>("a \"quoted\" name", {3}, odd);
  writer.add<float>("weight", {2, 3}, weight);
  writer.add<std::int64_t>("z", {}, ids);
  writer.set_metadata("config", "{\"layers\": 2}");
  return writer.serialize();
}

TEST(SafetensorsWriter, IsReadBackUnchanged) {
  const SafetensorsReader file(example(), "memory");
  EXPECT_EQ(file.arrays().size(), 3U);
  EXPECT_EQ(file.at("a \"quoted\" name").as<std::uint8_t>(), (std::vector<std::uint8_t>{7, 8, 9}));
  EXPECT_EQ(file.at("weight").shape, (Shape64{2, 3}));
  EXPECT_EQ(file.at("weight").as<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.at("z").as<std::int64_t>(), Shape64{-1});
  EXPECT_EQ(file.metadata().at("config"), "{\"layers\": 2}");
}

TEST(SafetensorsWriter, AlignsTheDataAndEveryArray) {
  const SafetensorsReader file(example(), "memory");
  EXPECT_EQ(file.offset_of(file.at("z")) % 64, 0U);
  EXPECT_EQ(file.offset_of(file.at("weight")) % 4, 0U);
}

TEST(SafetensorsWriter, GivesTheSameBytesForTheSameContent) { EXPECT_EQ(example(), example()); }

TEST(SafetensorsWriter, WritesAFileWithoutArrays) {
  const SafetensorsReader file(SafetensorsWriter().serialize(), "memory");
  EXPECT_TRUE(file.arrays().empty());
}

TEST(SafetensorsWriter, WritesToAFile) {
  const test::TmpDir folder;
  SafetensorsWriter writer;
  writer.set_metadata("key", "value");
  writer.write(folder / "a.safetensors");
  EXPECT_EQ(SafetensorsReader(folder / "a.safetensors").metadata().at("key"), "value");
}

TEST(SafetensorsWriter, RefusesWhatItCannotWrite) {
  SafetensorsWriter writer;
  const std::vector<float> values = {1, 2};
  writer.add<float>("a", {2}, values);
  expect_error<ArgumentError>([&] { writer.add<float>("a", {2}, values); }, "'a' was added before");
  expect_error<ArgumentError>([&] { writer.add<float>("b", {3}, values); },
                              "has 8 bytes, expected 12");
  expect_error<ArgumentError>([&] { writer.add<float>("b", {-2}, values); }, "extent -2");
  expect_error<ArgumentError>([&] { writer.add<float>("__metadata__", {2}, values); },
                              "cannot be called");
  expect_error<ArgumentError>([&] { writer.add<float>("\xff", {2}, values); }, "not UTF-8");
  writer.set_metadata("bad", "\xff");
  expect_error<ArgumentError>([&] { writer.serialize(); }, "not UTF-8");
}

struct BadHeader {
  const char* header;
  std::size_t data_size;
  const char* message;
};

#define ENTRY(name, begin, end) \
  "\"" name "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" begin "," end "]}"

const BadHeader kBadHeaders[] = {
    {"[]", 0, "does not begin with '{'"},
    {" {}", 0, "does not begin"},
    {"", 0, "does not begin"},
    {"{", 0, "not valid JSON"},
    {"{}x", 0, "not valid JSON"},
    {"{\"\xff\":1}", 0, "not valid JSON"},
    {"{\"a\":NaN}", 0, "not valid JSON"},
    {"{\"a\":1e999}", 0, "not valid JSON"},
    {"{\"a\":1}", 0, "unexpected an integer in array 'a'"},
    {"{\"a\":[]}", 0, "unexpected a list in array 'a'"},
    {"{\"a\":null}", 0, "unexpected null in array 'a'"},
    {"{\"a\":{}}", 0, "array 'a' has no dtype"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0, "has no shape"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, "has no data_offsets"},
    {"{\"a\":{\"dtype\":\"F8\"}}", 0, "dtype 'F8' of array 'a' is not supported"},
    {"{\"a\":{\"dtype\":{}}}", 0, "unexpected an object"},
    {"{\"a\":{\"shape\":[{}]}}", 0, "unexpected an object"},
    {"{\"a\":{\"shape\":[[1]]}}", 0, "unexpected a list"},
    {"{\"a\":{\"shape\":[-1]}}", 0, "negative shape -1 of array 'a'"},
    {"{\"a\":{\"shape\":[1.5]}}", 0, "unexpected a fractional"},
    {"{\"a\":{\"shape\":[18446744073709551615]}}", 0, "fractional or huge number"},
    {"{\"a\":{\"data_offsets\":[0,1,2]}}", 0, "has 3 numbers, expected 2"},
    {"{\"a\":{\"colour\":1}}", 0, "unknown field 'colour'"},
    {"{\"a\":{\"shape\":[1],\"shape\":[2]}}", 0, "duplicate field 'shape'"},
    {"{" ENTRY("a", "0", "4") "," ENTRY("a", "4", "8") "}", 8, "the name 'a' occurs twice"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "unexpected an integer"},
    {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "duplicate field 'a'"},
    {"{\"__metadata__\":{\"a\":NaN}}", 0, "not valid JSON"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904],"
     "\"data_offsets\":[0,0]}}",
     0, "the shape of array 'a' overflows"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],"
     "\"data_offsets\":[0,0]}}",
     0, "the shape of array 'a' overflows"},
    {"{" ENTRY("a", "0", "5") "}", 5, "are [0, 5), expected 4 bytes"},
    {"{" ENTRY("a", "5", "1") "}", 5, "are [5, 1)"},
    {"{" ENTRY("a", "0", "4") "}", 3, "ends at data byte 4, the file has 3"},
    {"{" ENTRY("a", "9223372036854775803", "9223372036854775807") "}", 4, "leaving a gap"},
    {"{" ENTRY("a", "1", "5") "}", 5, "leaving a gap"},
    {"{" ENTRY("a", "0", "4") "," ENTRY("b", "5", "9") "}", 9,
     "array 'b' begins at data byte 5, leaving a gap after"},
    {"{" ENTRY("a", "0", "4") "," ENTRY("b", "2", "6") "}", 6,
     "array 'b' begins at data byte 2, inside"},
    {"{" ENTRY("a", "0", "4") "," ENTRY("b", "0", "4") "}", 4, "inside"},
    {"{" ENTRY("a", "0", "4") "}", 6, "2 bytes after the last array"},
    {"{}", 1, "1 bytes after the last array"}};

TEST(SafetensorsReader, RefusesEveryKindOfDamagedHeader) {
  for (const BadHeader& bad : kBadHeaders) {
    SCOPED_TRACE(bad.header);
    const auto bytes = raw_safetensors(bad.header, bad.data_size);
    const std::string text = expect_error<FormatError>(
        [&] { SafetensorsReader(bytes, "bad.safetensors"); }, bad.message);
    EXPECT_EQ(text.find("bad.safetensors: "), 0U) << text;
  }
}

TEST(SafetensorsReader, RefusesAZeroByteThatEndsTheHeaderEarly) {
  const auto bytes = raw_safetensors(std::string_view("{}\0{\"a\":1}", 10), 0);
  expect_error<FormatError>([&] { SafetensorsReader(bytes, "memory"); }, "a zero byte");
}

TEST(SafetensorsReader, RefusesEveryTruncation) {
  const std::vector<std::byte> whole = example();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(SafetensorsReader(std::span(whole).first(size), "memory"), FormatError) << size;
  }
}

TEST(SafetensorsReader, RefusesHugeHeadersWithoutReadingThem) {
  auto bytes = raw_safetensors("{}", 0);
  for (const std::uint64_t length : {std::uint64_t{100'000'001}, ~std::uint64_t{0}}) {
    std::memcpy(bytes.data(), &length, 8);
    expect_error<FormatError>([&] { SafetensorsReader(bytes, "memory"); }, "at most 100000000");
  }
}

TEST(SafetensorsReader, SurvivesDeepNesting) {
  const std::string deep = "{\"a\":{\"shape\":" + std::string(1'000'000, '[');
  EXPECT_THROW(SafetensorsReader(raw_safetensors(deep, 0), "memory"), FormatError);
}

TEST(SafetensorsReader, ReportsTheByteWhereTheFaultShows) {
  try {
    SafetensorsReader(raw_safetensors("{\"a\": oops}", 0), "memory");
    FAIL() << "no exception";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), 8U + std::string("{\"a\": o").size());
  }
}

TEST(SafetensorsReader, AcceptsAbsentAndNullMetadataAndTrailingSpaces) {
  EXPECT_TRUE(SafetensorsReader(raw_safetensors("{}", 0), "memory").metadata().empty());
  EXPECT_TRUE(SafetensorsReader(raw_safetensors("{\"__metadata__\":null}", 0), "memory")
                  .metadata()
                  .empty());
  EXPECT_EQ(SafetensorsReader(raw_safetensors("{" ENTRY("a", "0", "4") "}    ", 4), "memory")
                .at("a")
                .count(),
            4);
}

}  // namespace
}  // namespace cadenza
