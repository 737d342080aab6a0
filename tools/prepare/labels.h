// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <regex>
#include <string>

#include "tools/prepare/corpus.h"

namespace cadenza::tools {

/// Where the style label of a piece of music comes from, as --labels says: "folder", the name of
/// the folder that the file lies in; "name", the letters that its name begins with; "name:PATTERN",
/// what the first group (without groups, the whole) of this regular expression matches in its name;
/// anything else is a CSV file with lines `file,label`.
class Labeller {
 public:
  /// UsageError for a pattern that is no regular expression; FileError or FormatError, naming the
  /// line, for a CSV file that cannot be read, has an empty label or two for one file.
  explicit Labeller(const std::string& option);

  /// ArgumentError that says why the file has no label.
  std::string label_of(const std::filesystem::path& file) const;

 private:
  enum class Kind { folder, name, csv };

  void read_csv(const std::filesystem::path& path);
  std::string label_in_csv(const std::filesystem::path& file) const;

  Kind kind_ = Kind::folder;
  std::string option_;
  std::regex pattern_;
  std::map<std::string, std::string> labels_;
};

/// Gives every piece its label; a file without one goes to the rejected. Returns the names of the
/// labels, in the order of the alphabet. ArgumentError if there are not at least two.
std::vector<std::string> label_pieces(const Labeller& labeller, Corpus& corpus);

/// The metre in which most files of each label begin; none if the corpus holds no scores.
std::vector<TimeSignature> common_metres(const Corpus& corpus,
                                         const std::vector<std::string>& labels);

/// Pieces of each label, in one split and in all: {"jig": 3, ...}.
nlohmann::ordered_json label_totals(const Dataset& data, Split split);
nlohmann::ordered_json label_totals(const Dataset& data);

}  // namespace cadenza::tools
