// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/dtype.h"

namespace cadenza {

/// An array inside a safetensors file: row-major, little-endian, packed; bytes may be unaligned.
struct FileArray {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  std::int64_t count() const;
  /// Copies to T (double, float, int64_t, int32_t, uint8_t), converting between floating types
  /// (f64, f32, f16, bf16) or between integer types of any width (bool is 0 or 1). ArgumentError
  /// if the kinds differ or an integer does not fit.
  template <typename T>
  std::vector<T> as() const;
};

/// A safetensors file held in memory after a full check of its header: sizes, overlaps, gaps,
/// duplicates, overflow.
class SafetensorsReader {
 public:
  /// FileError if unreadable; FormatError with the byte offset if malformed.
  explicit SafetensorsReader(const std::filesystem::path& path);
  /// The same from memory, which is copied; `origin` names it in messages.
  SafetensorsReader(std::span<const std::byte> bytes, std::string origin);
  // Arrays point into the reader's own bytes, which a move keeps and a copy would not.
  SafetensorsReader(const SafetensorsReader&) = delete;
  SafetensorsReader& operator=(const SafetensorsReader&) = delete;
  SafetensorsReader(SafetensorsReader&&) = default;
  SafetensorsReader& operator=(SafetensorsReader&&) = default;
  ~SafetensorsReader() = default;

  const std::map<std::string, FileArray, std::less<>>& arrays() const { return arrays_; }
  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }
  bool contains(std::string_view name) const { return arrays_.find(name) != arrays_.end(); }
  /// FormatError naming the file if there is no such array.
  const FileArray& at(std::string_view name) const;
  const std::string& origin() const { return origin_; }
  /// The byte of the file at which one of its arrays begins, for messages.
  std::size_t offset_of(const FileArray& array) const {
    return static_cast<std::size_t>(array.bytes.data() - bytes_.data());
  }

 private:
  void parse();

  std::string origin_;
  std::vector<std::byte> bytes_;
  std::map<std::string, FileArray, std::less<>> arrays_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

/// Collects arrays and writes them in one atomic step. The data starts on a multiple of 64 and
/// every array on a multiple of its element size.
class SafetensorsWriter {
 public:
  /// Copies the bytes. ArgumentError for a name used twice, a name that is not UTF-8 or a size
  /// that does not fit the shape.
  void add(std::string name, DType dtype, std::vector<std::int64_t> shape,
           std::span<const std::byte> bytes);
  template <typename T>
  void add(std::string name, std::vector<std::int64_t> shape, std::span<const T> values) {
    add(std::move(name), dtype_of<T>(), std::move(shape), std::as_bytes(values));
  }
  void set_metadata(std::string key, std::string value) {
    metadata_[std::move(key)] = std::move(value);
  }
  /// Same arrays and metadata give the same bytes.
  std::vector<std::byte> serialize() const;
  void write(const std::filesystem::path& path) const;

 private:
  struct Entry {
    DType dtype;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Entry, std::less<>> arrays_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace cadenza
