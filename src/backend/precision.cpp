// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>
#include <utility>

#include "cadenza/backend.h"

namespace cadenza {
namespace {

constexpr std::array<std::pair<Precision, std::string_view>, 7> kNames = {
    {{Precision::fp32, "fp32"},
     {Precision::tf32, "tf32"},
     {Precision::bf16, "bf16"},
     {Precision::fp16, "fp16"},
     {Precision::int24, "int24"},
     {Precision::int16, "int16"},
     {Precision::int8, "int8"}}};

}  // namespace

std::string_view name_of(Precision precision) {
  return kNames.at(static_cast<std::size_t>(precision)).second;
}

Precision parse_precision(std::string_view name) {
  std::string known;
  for (const auto& [precision, spelling] : kNames) {
    if (spelling == name) return precision;
    known += known.empty() ? "" : ", ";
    known += spelling;
  }
  throw ArgumentError(message("unknown precision '", name, "', expected one of ", known));
}

}  // namespace cadenza
