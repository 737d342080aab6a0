// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "cadenza/error.h"

namespace cadenza {

/// Reads untrusted bytes from front to back. Every read checks what is left first and throws
/// FormatError with the offset instead of passing the end.
class ByteReader {
 public:
  /// `what` names the input in error messages, for example "MIDI file"; it must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, std::string_view what)
      : bytes_(bytes), what_(what) {}

  std::size_t size() const { return bytes_.size(); }
  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }
  bool at_end() const { return offset_ == bytes_.size(); }

  /// Moves to an absolute offset; the end is allowed.
  void seek(std::size_t offset) {
    if (offset > bytes_.size()) fail(offset - offset_);
    offset_ = offset;
  }
  void skip(std::size_t count) {
    need(count);
    offset_ += count;
  }

  std::uint8_t u8() {
    need(1);
    return std::to_integer<std::uint8_t>(bytes_[offset_++]);
  }
  /// The next byte without moving on.
  std::uint8_t peek() const {
    need(1);
    return std::to_integer<std::uint8_t>(bytes_[offset_]);
  }
  std::uint16_t u16_big() { return static_cast<std::uint16_t>(big(2)); }
  std::uint32_t u32_big() { return big(4); }
  std::uint32_t u32_little() {
    std::uint32_t value = 0;
    const auto view = bytes(4);
    for (std::size_t i = 4; i-- > 0;) {
      value = (value << 8) | std::to_integer<std::uint32_t>(view[i]);
    }
    return value;
  }

  /// A view of the next `count` bytes.
  std::span<const std::byte> bytes(std::size_t count) {
    need(count);
    const auto view = bytes_.subspan(offset_, count);
    offset_ += count;
    return view;
  }
  std::string_view text(std::size_t count) {
    const auto view = bytes(count);
    return {reinterpret_cast<const char*>(view.data()), view.size()};
  }
  /// Whether the bytes at the current place are `tag`; does not move.
  bool looking_at(std::string_view tag) const {
    return remaining() >= tag.size() &&
           std::memcmp(bytes_.data() + offset_, tag.data(), tag.size()) == 0;
  }
  /// Offset of the next `tag` at or after the current place, size() if there is none.
  std::size_t find(std::string_view tag) const {
    const auto rest = bytes_.subspan(offset_);
    const std::string_view haystack(reinterpret_cast<const char*>(rest.data()), rest.size());
    const std::size_t at = haystack.find(tag);
    return at == std::string_view::npos ? bytes_.size() : offset_ + at;
  }

 private:
  void need(std::size_t count) const {
    if (count > remaining()) fail(count);
  }
  [[noreturn]] void fail(std::size_t count) const {
    throw FormatError(message(what_, " ends too early: needed ", count, " more bytes, ",
                              remaining(), " are left"),
                      offset_);
  }
  std::uint32_t big(std::size_t count) {
    std::uint32_t value = 0;
    for (const std::byte byte : bytes(count)) {
      value = (value << 8) | std::to_integer<std::uint32_t>(byte);
    }
    return value;
  }

  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
  std::string_view what_;
};

}  // namespace cadenza
