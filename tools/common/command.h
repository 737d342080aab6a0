// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <stdexcept>
#include <string_view>

namespace cadenza::tools {

/// The user asked for something that cannot be meant; exit code 2. Everything else that is thrown
/// means that a well-formed request failed; exit code 1.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

/// One row of the table of sub-commands. `run` sees the arguments after the command's name and
/// returns the exit code.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(std::span<char*> arguments);
};

int run_prepare(std::span<char*> arguments);
int run_train(std::span<char*> arguments);
int run_classify(std::span<char*> arguments);
int run_evaluate(std::span<char*> arguments);
int run_generate(std::span<char*> arguments);
int run_transform(std::span<char*> arguments);
int run_infill(std::span<char*> arguments);
int run_interpolate(std::span<char*> arguments);
int run_vary(std::span<char*> arguments);
int run_render(std::span<char*> arguments);
int run_info(std::span<char*> arguments);
int run_doctor(std::span<char*> arguments);

}  // namespace cadenza::tools
