// SPDX-License-Identifier: Apache-2.0
#include "io/npy.h"

#include <algorithm>
#include <string_view>

#include "cadenza/error.h"
#include "io/byte_order.h"
#include "io/npy_header.h"
#include "io/printable.h"

namespace cadenza {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kLongestNpyHeader = std::size_t{1} << 20;

struct NpyType {
  std::string_view code;
  DType dtype;
};
constexpr NpyType kTypes[] = {{"b1", DType::boolean}, {"u1", DType::u8},  {"i1", DType::i8},
                              {"i2", DType::i16},     {"i4", DType::i32}, {"i8", DType::i64},
                              {"f2", DType::f16},     {"f4", DType::f32}, {"f8", DType::f64}};

struct ElementType {
  DType dtype = DType::f32;
  bool big_endian = false;
};

ElementType element_type(const std::string& descr, const std::string& origin, std::size_t offset) {
  const auto* row = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const NpyType& type) {
    return descr.size() == 3 && std::string_view(descr).substr(1) == type.code;
  });
  const bool known = row != std::end(kTypes);
  const char order = descr.empty() ? '\0' : descr[0];
  if (!known || !(order == '<' || order == '>' || (order == '|' && size_of(row->dtype) == 1))) {
    throw FormatError(message(origin, ": elements of type ", printable(descr),
                              " are not supported, expected b1 u1 i1 i2 i4 i8 f2 f4 or f8"),
                      offset);
  }
  return {row->dtype, order == '>'};
}

void reverse_elements(std::vector<std::byte>& bytes, std::size_t size) {
  for (auto begin = bytes.begin(); begin != bytes.end();) {
    const auto end = begin + static_cast<std::ptrdiff_t>(size);
    std::reverse(begin, end);
    begin = end;
  }
}

// Column-major (first index fastest) to row-major (last index fastest).
std::vector<std::byte> to_row_major(std::span<const std::byte> columns,
                                    const std::vector<std::int64_t>& shape, std::size_t size) {
  const std::size_t rank = shape.size();
  std::vector<std::size_t> index(rank, 0);
  std::vector<std::size_t> stride(rank, 1);
  for (std::size_t d = 1; d < rank; ++d) {
    stride[d] = stride[d - 1] * static_cast<std::size_t>(shape[d - 1]);
  }
  std::vector<std::byte> rows(columns.size());
  std::size_t source = 0;
  for (std::size_t target = 0; target < rows.size(); target += size) {
    std::copy_n(columns.begin() + static_cast<std::ptrdiff_t>(source * size), size,
                rows.begin() + static_cast<std::ptrdiff_t>(target));
    for (std::size_t d = rank; d-- > 0;) {
      source += stride[d];
      if (++index[d] < static_cast<std::size_t>(shape[d])) break;
      source -= stride[d] * index[d];
      index[d] = 0;
    }
  }
  return rows;
}

}  // namespace

NpyArray parse_npy(std::span<const std::byte> file, const std::string& origin) {
  const auto fail = [&](const std::string& what, std::size_t offset) {
    throw FormatError(origin + ": " + what, offset);
  };
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.substr(0, kMagic.size()) != kMagic) fail("not a .npy file", 0);
  if (text.size() < 8) fail("truncated .npy file", text.size());
  const int version = text[6];
  if (version < 1 || version > 3) fail(message(".npy version ", version, ", expected 1 to 3"), 6);
  const std::size_t begin = version == 1 ? 10 : 12;
  if (text.size() < begin) fail("truncated .npy file", text.size());
  const std::size_t length =
      version == 1 ? load_little<std::uint16_t>(file, 8) : load_little<std::uint32_t>(file, 8);
  if (length > kLongestNpyHeader) {
    fail(message("header of ", length, " bytes, at most ", kLongestNpyHeader, " are allowed"), 8);
  }
  if (length > text.size() - begin) {
    fail(message("truncated: header of ", length, " bytes, but only ", text.size() - begin,
                 " follow"),
         text.size());
  }
  const NpyHeader header = parse_npy_header(text.substr(begin, length), origin, begin);
  const ElementType type = element_type(header.descr, origin, begin);

  NpyArray array;
  array.dtype = type.dtype;
  array.shape = header.shape;
  array.data_offset = begin + length;
  const std::size_t size = size_of(type.dtype);
  std::size_t expected = size;
  for (const std::int64_t extent : header.shape) {
    if (__builtin_mul_overflow(expected, static_cast<std::size_t>(extent), &expected)) {
      fail("the shape overflows", begin);
    }
  }
  const std::span<const std::byte> data = file.subspan(array.data_offset);
  if (data.size() != expected) {
    fail(message(data.size() < expected ? "truncated: " : "", data.size(),
                 " bytes of data, expected ", expected, " for the shape"),
         array.data_offset + std::min(data.size(), expected));
  }
  if (header.fortran_order) {
    array.bytes = to_row_major(data, array.shape, size);
  } else {
    array.bytes.assign(data.begin(), data.end());
  }
  if (type.big_endian) reverse_elements(array.bytes, size);
  return array;
}

}  // namespace cadenza
