// SPDX-License-Identifier: Apache-2.0
#include "tools/common/json_result.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"

namespace cadenza::tools {

void print_json(const nlohmann::ordered_json& object) {
  std::cout << object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
            << std::endl;
  if (!std::cout) throw FileError("stdout: cannot write the result");
}

}  // namespace cadenza::tools
