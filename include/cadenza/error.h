// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <sstream>
#include <stdexcept>
#include <string>

namespace cadenza {

/// Base of everything the library throws on purpose. `what()` is one sentence: what, where,
/// expected, got.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller passed something that the documented contract excludes.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// A file or byte sequence is not what its format demands; `offset()` is the byte where it shows.
class FormatError : public Error {
 public:
  FormatError(const std::string& what, std::size_t offset)
      : Error(what + " (at byte " + std::to_string(offset) + ")"), reason_(what), offset_(offset) {}
  std::size_t offset() const { return offset_; }
  /// what() without the offset, for a caller that adds the name of the file.
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
  std::size_t offset_;
};

/// The operating system refused a file operation (missing, unwritable, disk full).
class FileError : public Error {
 public:
  using Error::Error;
};

/// A device or its libraries failed or are absent.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// A device has no room for what was asked of it. Where that is a batch, what() ends with the
/// largest that has.
class OutOfMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Streams its arguments into one string.
template <typename... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws ArgumentError made of `parts` unless `ok`.
template <typename... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) throw ArgumentError(message(parts...));
}

}  // namespace cadenza
