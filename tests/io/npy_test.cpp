// SPDX-License-Identifier: Apache-2.0
#include "io/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "cadenza/dataset.h"
#include "cadenza/error.h"
#include "cadenza/file.h"
#include "io/npy_tokens.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

using test::expect_error;

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(CADENZA_TEST_GOLDEN_DIR) / "npy" / name;
}

NpyArray read(const std::string& name) { return parse_npy(read_file(golden(name)), name); }

std::vector<double> values(const NpyArray& array) {
  if (array.dtype == DType::f16 || array.dtype == DType::f32 || array.dtype == DType::f64) {
    return array.view().as<double>();
  }
  const auto integers = array.view().as<std::int64_t>();
  return {integers.begin(), integers.end()};
}

const std::vector<double> kOneToSix = {1, 2, 3, 4, 5, 6};

TEST(Npy, ReadsEveryTypeInEitherByteOrder) {
  const std::pair<const char*, DType> types[] = {
      {"u1", DType::u8},  {"i1", DType::i8},  {"i2", DType::i16}, {"i4", DType::i32},
      {"i8", DType::i64}, {"f2", DType::f16}, {"f4", DType::f32}, {"f8", DType::f64}};
  for (const auto& [code, dtype] : types) {
    for (const std::string order : {"little_", "big_"}) {
      SCOPED_TRACE(order + code);
      const NpyArray array = read(order + code + ".npy");
      EXPECT_EQ(array.dtype, dtype);
      EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3}));
      EXPECT_EQ(values(array), kOneToSix);
    }
  }
}

TEST(Npy, ReadsBooleans) {
  EXPECT_EQ(read("little_b1.npy").dtype, DType::boolean);
  EXPECT_EQ(values(read("little_b1.npy")), std::vector<double>(6, 1.0));
}

TEST(Npy, TransposesFortranOrder) {
  EXPECT_EQ(values(read("fortran_i4.npy")), kOneToSix);
  std::vector<double> ascending(24);
  std::iota(ascending.begin(), ascending.end(), 0.0);
  EXPECT_EQ(values(read("fortran_3d_big.npy")), ascending);
}

TEST(Npy, ReadsVersions2And3) {
  EXPECT_EQ(values(read("version2.npy")), kOneToSix);
  EXPECT_EQ(values(read("version3.npy")), kOneToSix);
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_EQ(values(read("scalar.npy")), std::vector<double>{2.5});
  EXPECT_TRUE(read("scalar.npy").shape.empty());
  EXPECT_EQ(read("empty.npy").shape, (std::vector<std::int64_t>{0, 3}));
}

TEST(Npy, RefusesObjectsAndStructures) {
  expect_error<FormatError>([] { read("object.npy"); }, "elements of type '|O' are not supported");
  expect_error<FormatError>([] { read("struct.npy"); }, "structures are not supported");
}

std::vector<std::byte> raw_npy(std::string_view header, std::size_t data_size) {
  std::vector<std::byte> bytes(10 + header.size() + data_size);
  std::memcpy(bytes.data(), "\x93NUMPY\x01\x00", 8);
  bytes[8] = static_cast<std::byte>(header.size() & 0xff);
  bytes[9] = static_cast<std::byte>(header.size() >> 8);
  std::memcpy(bytes.data() + 10, header.data(), header.size());
  return bytes;
}

TEST(Npy, AcceptsAnyOrderOfKeysAndQuotes) {
  const auto bytes = raw_npy("{\"shape\": (2L,), 'fortran_order':False,'descr': '|u1'}   \n", 2);
  EXPECT_EQ(parse_npy(bytes, "memory").shape, std::vector<std::int64_t>{2});
}

#define SHAPED(shape) "{'descr': '<i4', 'fortran_order': False, 'shape': " shape ", }"

TEST(Npy, RefusesEveryKindOfDamagedHeader) {
  struct Bad {
    const char* header;
    const char* message;
  };
  const Bad cases[] = {
      {"", "expected '{'"},
      {"{'descr': '<i4'}", "the header has no 'fortran_order'"},
      {"{'descr' '<i4'}", "expected ':'"},
      {"{'descr': '<i4}", "does not end"},
      {"{'descr': <i4}", "no quoted string"},
      {"{'descr': '<i4', 'descr': '<i4'}", "occurs twice"},
      {"{'colour': 1}", "unknown key 'colour'"},
      {"{'fortran_order': 1}", "neither True nor False"},
      {"{'descr': '<i4' 'shape': ()}", "expected '}'"},
      {SHAPED("(-1,)"), "something else than extents"},
      {SHAPED("(1.5,)"), "expected ')'"},
      {SHAPED("(99999999999999999999,)"), "something else than extents"},
      {SHAPED("(4611686018427387904,)"), "the shape overflows"},
      {SHAPED("(4294967296, 4294967296)"), "the shape overflows"},
      {SHAPED("(1,)") " x", "text after"},
      {SHAPED("(3,)"), "truncated: 8 bytes of data, expected 12"},
      {SHAPED("(1,)"), "8 bytes of data, expected 4"},
      {"{'descr': '|i4', 'fortran_order': False, 'shape': (2,)}", "'|i4' are not supported"},
      {"{'descr': '<U4', 'fortran_order': False, 'shape': (2,)}", "'<U4' are not supported"},
      {"{'descr': '<i4x', 'fortran_order': False, 'shape': (2,)}", "'<i4x' are not supported"},
      {"{'descr': '', 'fortran_order': False, 'shape': (2,)}", "'' are not supported"},
  };
  for (const Bad& bad : cases) {
    SCOPED_TRACE(bad.header);
    expect_error<FormatError>([&] { parse_npy(raw_npy(bad.header, 8), "memory"); }, bad.message);
  }
}

TEST(Npy, RefusesEveryTruncation) {
  const std::vector<std::byte> whole = read_file(golden("version2.npy"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(parse_npy(std::span(whole).first(size), "memory"), FormatError) << size;
  }
}

TEST(Npy, RefusesOtherVersions) {
  auto bytes = raw_npy(SHAPED("(2,)"), 8);
  bytes[6] = std::byte{4};
  expect_error<FormatError>([&] { parse_npy(bytes, "memory"); }, ".npy version 4");
  bytes[0] = std::byte{'P'};
  expect_error<FormatError>([&] { parse_npy(bytes, "memory"); }, "not a .npy file");
}

TEST(LoadNpyTokens, TakesAPiecePerRow) {
  const Dataset set = load_npy_tokens(golden("fortran_i4.npy"));
  ASSERT_EQ(set[Split::train].size(), 2U);
  EXPECT_EQ(set[Split::train][1].name, "fortran_i4.npy 1");
  EXPECT_EQ(set[Split::train][1].sequence.tokens, (std::vector<std::int32_t>{4, 5, 6}));
  EXPECT_EQ(set.tokenizer_name, "ids");
  EXPECT_EQ(set.tokenizer_settings, "vocabulary=128");
}

TEST(LoadNpyTokens, TakesAVectorAsOnePiece) {
  const Dataset set = load_npy_tokens(golden("vector.npy"));
  ASSERT_EQ(set[Split::train].size(), 1U);
  EXPECT_EQ(set[Split::train][0].sequence.tokens, (std::vector<std::int32_t>{60, 64, 127}));
  EXPECT_EQ(set.vocabulary, 128);
}

TEST(LoadNpyTokens, TakesFloatsThatAreWhole) {
  EXPECT_EQ(load_npy_tokens(golden("big_f4.npy"))[Split::train][0].sequence.tokens,
            (std::vector<std::int32_t>{1, 2, 3}));
}

TEST(LoadNpyTokens, SizesTheVocabularyByTheLargestId) {
  auto bytes = raw_npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2,)}", 4);
  const std::int16_t ids[] = {5, 387};
  std::memcpy(bytes.data() + bytes.size() - 4, ids, 4);
  EXPECT_EQ(parse_npy_tokens(bytes, "memory").vocabulary, 388);
}

TEST(LoadNpyTokens, RefusesWhatIsNoTokenId) {
  const auto refuse = [](auto value, const char* descr, const char* text) {
    auto bytes = raw_npy(message("{'descr': '", descr, "', 'fortran_order': False, 'shape': (1,)}"),
                         sizeof(value));
    std::memcpy(bytes.data() + bytes.size() - sizeof(value), &value, sizeof(value));
    expect_error<FormatError>([&] { parse_npy_tokens(bytes, "memory"); }, text);
  };
  refuse(std::int32_t{-1}, "<i4", "element 0 is -1, expected a token id");
  refuse(std::int64_t{1} << 24, "<i8", "element 0 is 16777216");
  refuse(0.5, "<f8", "element 0 is 0.5");
  refuse(std::numeric_limits<double>::quiet_NaN(), "<f8", "element 0 is nan");
  refuse(1e300, "<f8", "element 0 is 1e+300");
}

TEST(LoadNpyTokens, RefusesOtherRanksAndEmptyArrays) {
  expect_error<FormatError>([] { load_npy_tokens(golden("fortran_3d_big.npy")); }, "3 dimensions");
  expect_error<FormatError>([] { load_npy_tokens(golden("scalar.npy")); }, "0 dimensions");
  expect_error<FormatError>([] { load_npy_tokens(golden("empty.npy")); }, "no tokens");
}

}  // namespace
}  // namespace cadenza
