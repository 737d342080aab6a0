// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace cadenza {

/// The whole file; FileError names the path and the system's reason. Refuses more than `limit`
/// bytes.
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 std::size_t limit = std::size_t{4} << 30);
/// Writes to a temporary name beside `path`, fsyncs, renames, fsyncs the folder: a reader sees the
/// old file or the new one, never a part. Links are followed; an existing file keeps its
/// permissions, a new one gets the umask's. Removes the temporary file on failure. FileError says
/// what failed (disk full, permission, missing folder, not a regular file).
void write_file_atomic(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomic(const std::filesystem::path& path, std::string_view text);

}  // namespace cadenza
