// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace cadenza {

/// Walks a JSON document of untrusted origin without building it in memory: a subclass overrides
/// what its format allows, everything else is refused. Nothing recurses, so depth is harmless.
class JsonEvents {
 public:
  JsonEvents(const JsonEvents&) = delete;
  JsonEvents& operator=(const JsonEvents&) = delete;
  virtual ~JsonEvents() = default;

  /// FormatError for text that is not JSON (RFC 8259, in UTF-8) or not what the subclass allows.
  /// `origin` names the text in messages; `first_offset` is the byte of the file it begins at.
  void parse(std::span<const std::byte> text, std::string origin, std::size_t first_offset = 0);

  virtual void start_object() { unexpected("an object"); }
  virtual void key(const std::string&) {}
  virtual void end_object() {}
  virtual void start_array() { unexpected("a list"); }
  virtual void end_array() {}
  virtual void integer(std::int64_t) { unexpected("an integer"); }
  /// Also integers beyond 64 bits.
  virtual void real(double) { unexpected("a fractional or huge number"); }
  virtual void text(const std::string&) { unexpected("a string"); }
  virtual void boolean(bool) { unexpected("true or false"); }
  virtual void null() { unexpected("null"); }

  /// FormatError at the byte reached.
  [[noreturn]] void fail(const std::string& what) const;

 protected:
  JsonEvents() = default;
  /// The place in the document, in the words of its format: "train piece 3 frame 17".
  virtual std::string where() const { return "the document"; }
  [[noreturn]] void unexpected(const char* what) const;

 private:
  std::string origin_;
  std::size_t first_offset_ = 0;
  const char* begin_ = nullptr;
  const char* reached_ = nullptr;
};

}  // namespace cadenza
