// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/safetensors.h"
#include "io/byte_order.h"
#include "io/printable.h"
#include "io/safetensors_format.h"

namespace cadenza {
namespace {

constexpr std::size_t kAlignment = 64;

std::string_view file_name_of(DType dtype) {
  return std::find_if(kFileDTypes.begin(), kFileDTypes.end(),
                      [=](const FileDType& row) { return row.dtype == dtype; })
      ->name;
}

// Quoted and escaped; ArgumentError if it is not UTF-8.
std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ArgumentError("safetensors: " + printable(text) + " is not UTF-8");
  }
}

std::string join(const std::vector<std::int64_t>& numbers) {
  std::ostringstream text;
  for (std::size_t i = 0; i < numbers.size(); ++i) text << (i > 0 ? "," : "") << numbers[i];
  return text.str();
}

}  // namespace

void SafetensorsWriter::add(std::string name, DType dtype, std::vector<std::int64_t> shape,
                            std::span<const std::byte> bytes) {
  check(name != "__metadata__", "safetensors: an array cannot be called __metadata__");
  json_string(name);
  std::size_t expected = size_of(dtype);
  for (const std::int64_t extent : shape) {
    check(extent >= 0 &&
              !__builtin_mul_overflow(expected, static_cast<std::size_t>(extent), &expected),
          "safetensors: array ", printable(name), " has the extent ", extent);
  }
  check(bytes.size() == expected, "safetensors: array ", printable(name), " has ", bytes.size(),
        " bytes, expected ", expected);
  const auto [position, inserted] = arrays_.try_emplace(
      std::move(name), Entry{dtype, std::move(shape), {bytes.begin(), bytes.end()}});
  check(inserted, "safetensors: array ", printable(position->first), " was added before");
}

std::vector<std::byte> SafetensorsWriter::serialize() const {
  // Wide elements first: every array is then aligned to its element size without gaps.
  std::vector<const std::pair<const std::string, Entry>*> order;
  for (const auto& named : arrays_) order.push_back(&named);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return size_of(a->second.dtype) > size_of(b->second.dtype);
  });

  std::string header = "{";
  if (!metadata_.empty()) {
    header += "\"__metadata__\":";
    const char* separator = "{";
    for (const auto& [key, value] : metadata_) {
      header += message(separator, json_string(key), ":", json_string(value));
      separator = ",";
    }
    header += "}";
  }
  std::size_t offset = 0;
  for (const auto* named : order) {
    const auto& [name, entry] = *named;
    const std::size_t end = offset + entry.bytes.size();
    header += message(header.size() > 1 ? "," : "", json_string(name), ":{\"dtype\":\"",
                      file_name_of(entry.dtype), "\",\"shape\":[", join(entry.shape),
                      "],\"data_offsets\":[", offset, ",", end, "]}");
    offset = end;
  }
  header += '}';
  header.resize((8 + header.size() + kAlignment - 1) / kAlignment * kAlignment - 8, ' ');

  std::vector<std::byte> bytes(8 + header.size() + offset);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof(length));
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  std::byte* position = bytes.data() + 8 + header.size();
  for (const auto* named : order) {
    position = std::copy(named->second.bytes.begin(), named->second.bytes.end(), position);
  }
  return bytes;
}

void SafetensorsWriter::write(const std::filesystem::path& path) const {
  write_file_atomic(path, serialize());
}

}  // namespace cadenza
