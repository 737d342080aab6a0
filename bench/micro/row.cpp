// SPDX-License-Identifier: Apache-2.0
#include "bench/micro/row.h"

#include <cmath>
#include <cstdio>

namespace cadenza::micro {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

std::string number_text(double number) {
  if (!std::isfinite(number)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

}  // namespace

Row& Row::add(std::string_view key, std::string_view text) {
  if (!case_.empty()) case_ += ", ";
  case_ += quoted(key) + ": " + quoted(text);
  return *this;
}

Row& Row::add(std::string_view key, double number) {
  if (!case_.empty()) case_ += ", ";
  case_ += quoted(key) + ": " + number_text(number);
  return *this;
}

void Row::value(double value, std::string_view unit, std::string_view expected) const {
  print("\"value\": " + number_text(value) + ", \"unit\": " + quoted(unit) +
        ", \"expected\": " + quoted(expected) + ", \"status\": \"ok\"");
}

void Row::skipped(std::string_view reason) const {
  print("\"value\": null, \"status\": " + quoted("skipped: " + std::string(reason)));
}

void Row::failed(std::string_view reason) const {
  print("\"value\": null, \"status\": " + quoted("failed: " + std::string(reason)));
}

void Row::print(const std::string& rest) const {
  std::printf("{\"bench\": %s, \"case\": {%s}, %s}\n", quoted(bench_).c_str(), case_.c_str(),
              rest.c_str());
  std::fflush(stdout);
}

}  // namespace cadenza::micro
