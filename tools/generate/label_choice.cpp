// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/label_choice.h"

#include "cadenza/error.h"

namespace cadenza::tools {

std::int32_t choose_label(std::string_view option, const std::string& label,
                          const std::vector<std::string>& labels) {
  if (labels.empty()) {
    check(label.empty(), option, " ", label, ": the model is not conditioned on labels");
    return -1;
  }
  std::string known;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == label) return static_cast<std::int32_t>(i);
    known += (i > 0 ? ", " : "") + labels[i];
  }
  throw ArgumentError(message(option, ": expected one of ", known, ", got \"", label, "\""));
}

}  // namespace cadenza::tools
