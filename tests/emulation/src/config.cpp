// SPDX-License-Identifier: Apache-2.0
#include "emulation/config.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "report.h"

namespace cadenza::emulation {
namespace {

template <typename Enum>
struct Choice {
  const char* word;
  Enum value;
};

/// The value whose word the environment variable holds; a word nobody knows ends the process, so
/// that a test run is what its caller believes.
template <typename Enum, std::size_t kCount>
void read_choice(const char* variable, const Choice<Enum> (&choices)[kCount], Enum& value) {
  const char* word = std::getenv(variable);
  if (word == nullptr) return;
  for (const Choice<Enum>& choice : choices) {
    if (std::strcmp(choice.word, word) == 0) {
      value = choice.value;
      return;
    }
  }
  std::fprintf(stderr, "%s has '%s', expected", variable, word);
  for (const Choice<Enum>& choice : choices) std::fprintf(stderr, " %s", choice.word);
  std::fprintf(stderr, "\n");
  std::exit(EXIT_FAILURE);
}

Config config_from_environment() {
  Config result;
  read_choice<Order>("CADENZA_EMULATION_ORDER",
                     {{"forward", Order::kForward},
                      {"reverse", Order::kReverse},
                      {"greedy", Order::kGreedy},
                      {"random", Order::kRandom}},
                     result.order);
  read_choice<Copies>(
      "CADENZA_EMULATION_COPIES",
      {{"lazy", Copies::kLazy}, {"eager", Copies::kEager}, {"random", Copies::kRandom}},
      result.copies);
  read_choice<Streams>("CADENZA_EMULATION_STREAMS",
                       {{"eager", Streams::kEager}, {"lazy", Streams::kLazy}}, result.streams);
  if (const char* seed = std::getenv("CADENZA_EMULATION_SEED")) {
    result.seed = std::strtoull(seed, nullptr, 10);
  }
  return result;
}

std::string& report() {
  static std::string text;
  return text;
}

}  // namespace

Config& config() {
  static Config only_config = config_from_environment();
  return only_config;
}

Statistics& statistics() {
  static Statistics only_statistics;
  return only_statistics;
}

const std::string& last_report() { return report(); }
void set_report(const std::string& text) { report() = text; }

}  // namespace cadenza::emulation
