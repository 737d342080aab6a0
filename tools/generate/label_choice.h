// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cadenza::tools {

/// The number of the label that `option` asks for, -1 if the model has none and none is asked for.
/// ArgumentError that lists the labels of the model for any other.
std::int32_t choose_label(std::string_view option, const std::string& label,
                          const std::vector<std::string>& labels);

}  // namespace cadenza::tools
