// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cadenza {

/// ["name", ...]; what is not UTF-8 is replaced.
std::string names_to_json(const std::vector<std::string>& names);
/// FormatError naming `origin` for any other JSON.
std::vector<std::string> names_from_json(const std::string& text, const std::string& origin);

/// Names of classes. ArgumentError unless there are two or more, none empty or there twice.
void check_labels(const std::vector<std::string>& labels);
/// The same, as a FormatError naming `origin`, of names_from_json.
std::vector<std::string> labels_from_json(const std::string& text, const std::string& origin);

}  // namespace cadenza
