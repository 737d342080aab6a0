// SPDX-License-Identifier: Apache-2.0
#include "tools/common/json_result.h"

#include <iostream>

#include "cadenza/error.h"
#include "io/json.h"

namespace cadenza::tools {

void print_json(const nlohmann::ordered_json& object) {
  std::cout << to_text(object) << std::endl;
  if (!std::cout) throw FileError("stdout: cannot write the result");
}

}  // namespace cadenza::tools
