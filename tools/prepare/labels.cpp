// SPDX-License-Identifier: Apache-2.0
#include "tools/prepare/labels.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cadenza/error.h"
#include "tools/common/command.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

/// Without blanks around it, and without quotes around that.
std::string bare(std::string text) {
  const auto trim = [&](const char* what) {
    const std::size_t first = text.find_first_not_of(what);
    const std::size_t last = text.find_last_not_of(what);
    text = first == std::string::npos ? "" : text.substr(first, last - first + 1);
  };
  trim(" \t\r");
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

}  // namespace

Labeller::Labeller(const std::string& option) : option_(option) {
  constexpr std::string_view kName = "name";
  constexpr const char* kFirstLetters = "^[A-Za-z]+";
  if (option == "folder") return;
  const bool with_pattern = option.starts_with("name:");
  if (option != kName && !with_pattern) {
    kind_ = Kind::csv;
    read_csv(option);
    return;
  }
  kind_ = Kind::name;
  const std::string pattern = with_pattern ? option.substr(kName.size() + 1) : kFirstLetters;
  try {
    pattern_ = std::regex(pattern);
  } catch (const std::regex_error&) {
    throw UsageError(message("--labels: '", pattern, "' is no regular expression"));
  }
}

void Labeller::read_csv(const fs::path& path) {
  std::ifstream in(path);
  if (!in || fs::is_directory(path)) {
    throw FileError(message("--labels: ", path.string(),
                            ": cannot be read; expected name, folder or a file of lines "
                            "'file,label'"));
  }
  std::size_t number = 0;
  std::size_t offset = 0;
  for (std::string line; std::getline(in, line); offset += line.size() + 1) {
    ++number;
    const auto fail = [&](const std::string& what) {
      throw FormatError(message(path.string(), ": line ", number, what), offset);
    };
    if (bare(line).empty()) continue;
    const std::size_t comma = line.rfind(',');  // a file's name may have others
    if (comma == std::string::npos) fail(" has no comma, expected 'file,label'");
    const std::string file = bare(line.substr(0, comma));
    const std::string label = bare(line.substr(comma + 1));
    if (number == 1 && file == "file" && label == "label") continue;
    if (label.empty()) fail(message(": ", file, " has an empty label"));
    const auto [known, added] = labels_.emplace(fs::path(file).lexically_normal().string(), label);
    if (!added && known->second != label) {
      fail(message(": ", file, " is ", label, ", but it was ", known->second, " before"));
    }
  }
}

std::string Labeller::label_of(const fs::path& file) const {
  if (kind_ == Kind::csv) return label_in_csv(file);
  if (kind_ == Kind::folder) {
    const fs::path folder = fs::absolute(file).lexically_normal().parent_path().filename();
    check(!folder.empty(), "has no label: it lies in no folder with a name");
    return folder.string();
  }
  const std::string name = file.filename().string();
  std::smatch match;
  const bool found = std::regex_search(name, match, pattern_);
  const std::string label = !found ? "" : match.size() > 1 ? match[1].str() : match[0].str();
  check(!label.empty(), "has no label: --labels ", option_, " finds none in its name");
  return label;
}

/// A line may name the whole path or any end of it.
std::string Labeller::label_in_csv(const fs::path& file) const {
  const fs::path whole = file.lexically_normal();
  for (auto begin = whole.begin(); begin != whole.end(); ++begin) {
    fs::path end;
    for (auto part = begin; part != whole.end(); ++part) end /= *part;
    const auto found = labels_.find(end.string());
    if (found != labels_.end()) return found->second;
  }
  throw ArgumentError(message("has no label: ", option_, " does not name it"));
}

std::vector<std::string> label_pieces(const Labeller& labeller, Corpus& corpus) {
  std::set<std::string> known;
  std::set<std::string> without;
  std::vector<SourcePiece> labelled;
  for (SourcePiece& piece : corpus.pieces) {
    try {
      piece.label = labeller.label_of(piece.file);
      known.insert(piece.label);
      labelled.push_back(std::move(piece));
    } catch (const ArgumentError& error) {
      if (!without.insert(piece.file).second) continue;
      corpus.rejected.push_back({piece.file, error.what()});
      std::erase(corpus.accepted, piece.file);
    }
  }
  corpus.pieces = std::move(labelled);
  check(known.size() >= 2, "--labels: there ",
        known.empty() ? "is no label at all" : "is only the label '" + *known.begin() + "'",
        ", expected two or more", without.empty() ? "" : "; ",
        without.empty() ? "" : *without.begin(),
        without.empty() ? "" : " " + corpus.rejected.back().text);
  return {known.begin(), known.end()};
}

std::vector<TimeSignature> common_metres(const Corpus& corpus,
                                         const std::vector<std::string>& labels) {
  using Metre = std::pair<int, int>;
  std::map<std::string, std::map<Metre, int>> counts;
  for (const SourcePiece& piece : corpus.pieces) {
    if (!piece.score) return {};
    const auto& metres = piece.score->time_signatures;
    const TimeSignature first = metres.empty() ? TimeSignature() : metres.front();
    ++counts[piece.label][{first.numerator, first.denominator}];
  }
  std::vector<TimeSignature> common;
  for (const std::string& label : labels) {
    const auto most =
        std::max_element(counts[label].begin(), counts[label].end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    common.push_back({.numerator = most->first.first, .denominator = most->first.second});
  }
  return common;
}

nlohmann::ordered_json label_totals(const Dataset& data, Split split) {
  const std::vector<std::size_t> counts = label_counts(data, split);
  nlohmann::ordered_json out;
  for (std::size_t i = 0; i < counts.size(); ++i) out[data.labels[i]] = counts[i];
  return out;
}

nlohmann::ordered_json label_totals(const Dataset& data) {
  nlohmann::ordered_json out = label_totals(data, Split::train);
  for (const Split split : {Split::valid, Split::test}) {
    const std::vector<std::size_t> counts = label_counts(data, split);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      out[data.labels[i]] = out[data.labels[i]].get<std::size_t>() + counts[i];
    }
  }
  return out;
}

}  // namespace cadenza::tools
