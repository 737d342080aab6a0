// SPDX-License-Identifier: Apache-2.0
// https://huggingface.co/docs/safetensors: u64 length of a JSON header, the header, the data.
#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/safetensors.h"
#include "io/byte_order.h"
#include "io/json_events.h"
#include "io/printable.h"
#include "io/safetensors_format.h"

namespace cadenza {
namespace {

constexpr std::size_t kLongestHeader = 100'000'000;

// The range of one array relative to the end of the header.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::string name;
};

// `count` elements take at most this many bytes, or -1 beyond 63 bits.
std::int64_t checked_bytes(const FileArray& array) {
  std::int64_t bytes = static_cast<std::int64_t>(size_of(array.dtype));
  for (const std::int64_t extent : array.shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return -1;
  }
  return bytes;
}

// Header: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
// "__metadata__": {"key": "text"}}. Ranges are only collected here.
class HeaderEvents : public JsonEvents {
 public:
  std::map<std::string, FileArray, std::less<>> arrays;
  std::map<std::string, std::string, std::less<>> metadata;
  std::vector<Range> ranges;

  void start_object() override {
    if (depth_ >= 2) unexpected("an object");
    ++depth_;
    if (depth_ == 2) fields_.clear();
  }

  void key(const std::string& name) override {
    if (depth_ == 1) {
      if (!names_.insert(name).second) fail("the name " + printable(name) + " occurs twice");
      name_ = name;
    } else {
      if (!fields_.insert(name).second)
        fail("duplicate field " + printable(name) + " of " + where());
      field_ = name;
      if (!in_metadata() && name != "dtype" && name != "shape" && name != "data_offsets") {
        fail("unknown field " + printable(name) + " of " + where());
      }
    }
  }

  void end_object() override {
    --depth_;
    if (depth_ == 1 && !in_metadata()) finish_array();
  }

  void start_array() override {
    if (depth_ != 2 || in_metadata() || field_ == "dtype") unexpected("a list");
    depth_ = 3;
    numbers_.clear();
  }

  void integer(std::int64_t value) override {
    if (depth_ != 3) unexpected("an integer");
    if (value < 0) fail(message("negative ", field_, " ", value, " of ", where()));
    numbers_.push_back(value);
  }

  void end_array() override {
    depth_ = 2;
    if (field_ == "shape") {
      array_.shape = numbers_;
    } else if (numbers_.size() == 2) {
      range_ = {numbers_[0], numbers_[1], name_};
    } else {
      fail(message("data_offsets of ", where(), " has ", numbers_.size(), " numbers, expected 2"));
    }
  }

  void text(const std::string& value) override {
    if (depth_ != 2) unexpected("a string");
    if (in_metadata()) {
      metadata[field_] = value;
    } else if (field_ == "dtype") {
      const auto* row = std::find_if(kFileDTypes.begin(), kFileDTypes.end(),
                                     [&](const FileDType& known) { return known.name == value; });
      if (row == kFileDTypes.end()) {
        fail("dtype " + printable(value) + " of " + where() + " is not supported");
      }
      array_.dtype = row->dtype;
    } else {
      unexpected("a string");
    }
  }

  // Some writers put null where there is no metadata.
  void null() override {
    if (depth_ != 1 || !in_metadata()) unexpected("null");
  }

 protected:
  std::string where() const override {
    return depth_ == 0 ? "the header" : "array " + printable(name_);
  }

 private:
  bool in_metadata() const { return name_ == "__metadata__"; }

  void finish_array() {
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (!fields_.contains(field)) fail(message(where(), " has no ", field));
    }
    const std::int64_t expected = checked_bytes(array_);
    if (expected < 0) fail("the shape of " + where() + " overflows");
    if (range_.end < range_.begin || range_.end - range_.begin != expected) {
      fail(message("data_offsets of ", where(), " are [", range_.begin, ", ", range_.end,
                   "), expected ", expected, " bytes for its dtype and shape"));
    }
    arrays[name_] = array_;
    ranges.push_back(range_);
  }

  int depth_ = 0;  // 1: names, 2: fields of one entry, 3: a list of numbers
  std::string name_;
  std::string field_;
  std::set<std::string> names_;
  std::set<std::string> fields_;
  std::vector<std::int64_t> numbers_;
  FileArray array_;
  Range range_;
};

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path)
    : origin_(path.string()), bytes_(read_file(path)) {
  parse();
}

SafetensorsReader::SafetensorsReader(std::span<const std::byte> bytes, std::string origin)
    : origin_(std::move(origin)), bytes_(bytes.begin(), bytes.end()) {
  parse();
}

void SafetensorsReader::parse() {
  const auto fail = [&](const std::string& what, std::size_t offset) {
    throw FormatError(origin_ + ": " + what, offset);
  };
  if (bytes_.size() < 8) {
    fail(message("not a safetensors file: ", bytes_.size(), " bytes, expected at least 8"), 0);
  }
  const auto length = load_little<std::uint64_t>(bytes_, 0);
  if (length > kLongestHeader) {
    fail(message("not a safetensors file: header of ", length, " bytes, at most ", kLongestHeader,
                 " are allowed"),
         0);
  }
  if (length > bytes_.size() - 8) {
    fail(
        message("truncated: header of ", length, " bytes, but only ", bytes_.size() - 8, " follow"),
        8);
  }
  if (length == 0 || bytes_[8] != std::byte{'{'}) fail("the header does not begin with '{'", 8);
  HeaderEvents header;
  const std::span<const std::byte> all(bytes_);
  header.parse(all.subspan(8, length), origin_, 8);

  // Every byte of the data belongs to exactly one array.
  const std::span<const std::byte> data = all.subspan(8 + length);
  std::sort(header.ranges.begin(), header.ranges.end(), [](const Range& a, const Range& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::int64_t expected_begin = 0;
  for (const Range& range : header.ranges) {
    const std::size_t offset = 8 + length + static_cast<std::size_t>(expected_begin);
    if (range.begin != expected_begin) {
      fail(message("array ", printable(range.name), " begins at data byte ", range.begin,
                   range.begin < expected_begin ? ", inside" : ", leaving a gap after",
                   " the array that ends at ", expected_begin),
           offset);
    }
    if (static_cast<std::uint64_t>(range.end) > data.size()) {
      fail(message("truncated: array ", printable(range.name), " ends at data byte ", range.end,
                   ", the file has ", data.size()),
           bytes_.size());
    }
    FileArray& array = header.arrays.find(range.name)->second;
    array.bytes = data.subspan(static_cast<std::size_t>(range.begin),
                               static_cast<std::size_t>(range.end - range.begin));
    expected_begin = range.end;
  }
  if (static_cast<std::size_t>(expected_begin) != data.size()) {
    fail(message(data.size() - static_cast<std::size_t>(expected_begin),
                 " bytes after the last array"),
         8 + length + static_cast<std::size_t>(expected_begin));
  }
  arrays_ = std::move(header.arrays);
  metadata_ = std::move(header.metadata);
}

const FileArray& SafetensorsReader::at(std::string_view name) const {
  const auto found = arrays_.find(name);
  if (found == arrays_.end()) {
    throw FormatError(message(origin_, ": no array ", printable(name), " among ", arrays_.size()),
                      8);
  }
  return found->second;
}

}  // namespace cadenza
