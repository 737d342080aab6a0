// SPDX-License-Identifier: Apache-2.0
#include "tools/kinds/describe.h"

namespace cadenza::tools {

nlohmann::ordered_json describe_pairs(const PairInfo& pairs) {
  return {{"source_tokenizer", pairs.tokenizer_name},
          {"source_tokenizer_settings", pairs.tokenizer_settings},
          {"source_track", pairs.track},
          {"bars", pairs.bars}};
}

}  // namespace cadenza::tools
