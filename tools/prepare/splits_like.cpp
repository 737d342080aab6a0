// SPDX-License-Identifier: Apache-2.0
#include "tools/prepare/splits_like.h"

#include <map>

#include "cadenza/error.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {
namespace {

std::string_view name_of(Split split) { return kSplitNames[static_cast<std::size_t>(split)]; }

std::map<std::string, Split> splits_by_name(const std::string& file) {
  const Dataset data = load_dataset(file);
  std::map<std::string, Split> splits;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    for (const Piece& piece : data[split]) {
      const auto [known, is_new] = splits.emplace(piece.name, split);
      if (is_new || known->second == split) continue;
      throw UsageError(message("--split-like ", file, ": ", piece.name, " is in ",
                               name_of(known->second), " and in ", name_of(split),
                               ", expected names that tell the split"));
    }
  }
  return splits;
}

}  // namespace

void follow_splits(Corpus& corpus, const std::string& data) {
  const std::map<std::string, Split> splits = splits_by_name(data);
  bool any = false;
  for (SourcePiece& piece : corpus.pieces) {
    const auto known = splits.find(piece.name);
    if (known == splits.end()) continue;
    any = true;
    if (!piece.split) piece.split = known->second;
  }
  if (!any) throw UsageError(message("--split-like ", data, ": holds none of the input files"));
}

}  // namespace cadenza::tools
