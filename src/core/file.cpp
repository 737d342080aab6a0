// SPDX-License-Identifier: Apache-2.0
#include "cadenza/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>

#include "cadenza/error.h"

namespace cadenza {
namespace {

[[noreturn]] void fail(const std::string& action, const std::filesystem::path& path, int error) {
  throw FileError(message(action, " ", path.string(), ": ", std::strerror(error)));
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }
  // Closes now and returns errno, 0 if all is well.
  int close() {
    const int result = ::close(value_) == 0 ? 0 : errno;
    value_ = -1;
    return result;
  }

 private:
  int value_;
};

// 0 or errno.
int write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

// The file that a write to `path` replaces: links are followed.
std::filesystem::path target_of(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  return error ? path : target;
}

// Permission bits of the regular file at `path`, 0 if there is none. A device or a folder there
// must not be renamed over.
mode_t mode_of_existing(const std::filesystem::path& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return 0;
  if (!S_ISREG(status.st_mode)) {
    throw FileError(message("cannot write ", path.string(), ": it is not a regular file"));
  }
  return status.st_mode & 0777;
}

// A name beside the target that nobody else uses; short, so that any legal target works.
std::filesystem::path temporary_name(const std::filesystem::path& folder) {
  std::random_device random;
  return folder / message(".cadenza-", std::hex, random(), "-", random(), ".tmp");
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path, std::size_t limit) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail("cannot open", path, errno);
  struct stat status;
  if (::fstat(file.get(), &status) != 0) fail("cannot read", path, errno);
  // Only a hint: pipes have no size, and a file may grow. One byte more shows the end.
  const std::size_t hint = status.st_size > 0 ? static_cast<std::size_t>(status.st_size) + 1 : 4096;
  const std::size_t most = std::max(limit, limit + 1);
  std::vector<std::byte> bytes(std::min(hint, most));
  std::size_t size = 0;
  while (size <= limit) {
    if (size == bytes.size()) bytes.resize(std::min(size + size / 2 + 1, most));
    const ssize_t count = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot read", path, errno);
    if (count == 0) {
      bytes.resize(size);
      return bytes;
    }
    size += static_cast<std::size_t>(count);
  }
  throw FileError(message("cannot read ", path.string(), ": larger than ", limit, " bytes"));
}

void write_file_atomic(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::filesystem::path target = target_of(path);
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
  const mode_t old_mode = mode_of_existing(target);
  const std::filesystem::path temporary = temporary_name(folder);
  // Created with the caller's umask, as any new file is.
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) fail("cannot write", path, errno);
  int error = write_all(file.get(), bytes);
  if (error == 0 && old_mode != 0 && ::fchmod(file.get(), old_mode) != 0) error = errno;
  const int close_error = file.close();
  if (error == 0) error = close_error;
  if (error == 0 && ::rename(temporary.c_str(), target.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    fail("cannot write", path, error);
  }
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Best effort: some file systems refuse to sync a folder; the file itself is safe already.
  if (directory.get() >= 0) (void)::fsync(directory.get());
}

void write_file_atomic(const std::filesystem::path& path, std::string_view text) {
  write_file_atomic(path, std::as_bytes(std::span(text)));
}

}  // namespace cadenza
