// SPDX-License-Identifier: Apache-2.0
#include "cadenza/dataset.h"

#include <algorithm>
#include <charconv>

#include "cadenza/error.h"
#include "io/dataset_reader.h"
#include "io/music_info.h"
#include "io/name_list.h"
#include "io/pair_info.h"
#include "io/printable.h"

namespace cadenza {
namespace {

constexpr std::string_view kFormat = "cadenza.dataset";
constexpr std::string_view kVersion = "1";
constexpr std::size_t kFrameBytes = 11;
constexpr int kKeys = 88;

std::string array_name(Split split, std::string_view what) {
  return message(kSplitNames[static_cast<std::size_t>(split)], ".", what);
}

std::vector<std::uint8_t> pack(const std::vector<Piece>& pieces) {
  std::vector<std::uint8_t> bytes;
  for (const Piece& piece : pieces) {
    for (const Frame& frame : piece.sequence.frames) {
      const std::size_t begin = bytes.size();
      bytes.resize(begin + kFrameBytes);
      for (std::size_t key = 0; key < frame.size(); ++key) {
        bytes[begin + key / 8] |= static_cast<std::uint8_t>(frame[key] << (key % 8));
      }
    }
  }
  return bytes;
}

Frame unpack(std::span<const std::byte> bytes) {
  Frame frame;
  for (std::size_t key = 0; key < frame.size(); ++key) {
    frame[key] = (bytes[key / 8] >> (key % 8) & std::byte{1}) != std::byte{0};
  }
  return frame;
}

/// Which sequence of a piece.
using Part = Sequence Piece::*;

std::vector<std::int32_t> join_tokens(const std::vector<Piece>& pieces, Part part) {
  std::vector<std::int32_t> tokens;
  for (const Piece& piece : pieces) {
    tokens.insert(tokens.end(), (piece.*part).tokens.begin(), (piece.*part).tokens.end());
  }
  return tokens;
}

std::vector<std::int64_t> offsets_of(const std::vector<Piece>& pieces, Part part) {
  std::vector<std::int64_t> offsets = {0};
  for (const Piece& piece : pieces) {
    offsets.push_back(offsets.back() + static_cast<std::int64_t>((piece.*part).size()));
  }
  return offsets;
}

void check_tokens(const std::string& name, const Sequence& sequence, int vocabulary) {
  for (const std::int32_t token : sequence.tokens) {
    check(token >= 0 && token < vocabulary, "save_dataset: piece ", printable(name),
          " has the token ", token, ", the vocabulary is ", vocabulary);
  }
}

void check_pieces(const Dataset& dataset) {
  if (!dataset.labels.empty()) check_labels(dataset.labels);
  const auto labels = static_cast<std::int32_t>(dataset.labels.size());
  for (const auto& pieces : dataset.splits) {
    for (const Piece& piece : pieces) {
      check(labels == 0 ? piece.label == -1 : piece.label >= 0 && piece.label < labels,
            "save_dataset: piece ", printable(piece.name), " has the label ", piece.label,
            ", there are ", labels);
      const Sequence& sequence = piece.sequence;
      const bool tokens = dataset.step_kind == StepKind::token;
      check(tokens ? sequence.frames.empty() : sequence.tokens.empty(), "save_dataset: piece ",
            printable(piece.name), " has ", tokens ? "frames" : "tokens", ", expected ",
            tokens ? "tokens" : "frames");
      check_tokens(piece.name, sequence, dataset.vocabulary);
      check(dataset.pairs ? tokens && piece.source.frames.empty() && piece.source.size() > 0
                          : piece.source.size() == 0,
            "save_dataset: piece ", printable(piece.name), " has ", piece.source.size(),
            " steps of a source, expected ", dataset.pairs ? "tokens" : "none");
      if (dataset.pairs) check_tokens(piece.name, piece.source, dataset.pairs->vocabulary);
    }
  }
}

void add_split(SafetensorsWriter& writer, const Dataset& dataset, Split split) {
  const std::vector<Piece>& pieces = dataset[split];
  std::vector<std::string> names;
  std::vector<std::int32_t> labels;
  for (const Piece& piece : pieces) {
    names.push_back(piece.name);
    labels.push_back(piece.label);
  }
  const auto add_offsets = [&](std::string_view name, const std::vector<std::int64_t>& offsets) {
    writer.add<std::int64_t>(array_name(split, name), {static_cast<std::int64_t>(offsets.size())},
                             offsets);
    return offsets.back();
  };
  const std::int64_t steps = add_offsets("offsets", offsets_of(pieces, &Piece::sequence));
  if (dataset.step_kind == StepKind::token) {
    writer.add<std::int32_t>(array_name(split, "steps"), {steps},
                             join_tokens(pieces, &Piece::sequence));
  } else {
    writer.add<std::uint8_t>(array_name(split, "steps"), {steps, kFrameBytes}, pack(pieces));
  }
  if (dataset.pairs) {
    const std::int64_t read = add_offsets("source_offsets", offsets_of(pieces, &Piece::source));
    writer.add<std::int32_t>(array_name(split, "source_steps"), {read},
                             join_tokens(pieces, &Piece::source));
  }
  if (!dataset.labels.empty()) {
    writer.add<std::int32_t>(array_name(split, "labels"),
                             {static_cast<std::int64_t>(labels.size())}, labels);
  }
  // File names need not be UTF-8; they only serve messages.
  writer.set_metadata(array_name(split, "names"), names_to_json(names));
}

// Rebuilds a data set, naming the file in every complaint.
class Loader {
 public:
  explicit Loader(const SafetensorsReader& file) : file_(file) {}

  Dataset load() const {
    Dataset dataset;
    if (metadata("format") != kFormat) fail("not a data set: format is not 'cadenza.dataset'");
    if (metadata("version") != kVersion) {
      fail("data set version " + printable(metadata("version")) + ", expected '1'");
    }
    dataset.tokenizer_name = metadata("tokenizer");
    dataset.tokenizer_settings = metadata("tokenizer_settings");
    const std::string& kind = metadata("step_kind");
    if (kind != "token" && kind != "frame") fail("unknown step_kind " + printable(kind));
    dataset.step_kind = kind == "token" ? StepKind::token : StepKind::frame;
    dataset.vocabulary = vocabulary(dataset.step_kind);
    const auto pairs = file_.metadata().find("pairs");
    if (pairs != file_.metadata().end()) {
      if (dataset.step_kind != StepKind::token) fail("holds pairs of frames, expected tokens");
      dataset.pairs = pair_info_from_json(pairs->second, file_.origin());
    }
    const auto labels = file_.metadata().find("labels");
    if (labels != file_.metadata().end()) {
      dataset.labels = labels_from_json(labels->second, file_.origin() + " labels");
    }
    const auto music = file_.metadata().find("music");
    if (music != file_.metadata().end()) {
      dataset.music = music_info_from_json(music->second, dataset.labels.size(), file_.origin());
    }
    for (const Split split : {Split::train, Split::valid, Split::test}) {
      dataset[split] = pieces(dataset, split);
      if (!dataset.labels.empty()) add_labels(dataset.labels.size(), split, dataset[split]);
      if (dataset.pairs) add_sources(*dataset.pairs, split, dataset[split]);
    }
    return dataset;
  }

 private:
  [[noreturn]] void fail(const std::string& what, const FileArray* array = nullptr) const {
    constexpr std::size_t kHeader = 8;
    throw FormatError(file_.origin() + ": " + what,
                      array == nullptr ? kHeader : file_.offset_of(*array));
  }

  const std::string& metadata(const std::string& key) const {
    const auto found = file_.metadata().find(key);
    if (found == file_.metadata().end()) fail("not a data set: no metadata " + printable(key));
    return found->second;
  }

  int vocabulary(StepKind kind) const {
    const std::string& text = metadata("vocabulary");
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 ||
        (kind == StepKind::frame && value != kKeys)) {
      fail("vocabulary " + printable(text) + " is not a positive number (88 for frames)");
    }
    return value;
  }

  // The array, which must have this dtype and rank.
  const FileArray& array(const std::string& name, DType dtype, std::size_t rank) const {
    const FileArray& found = file_.at(name);
    if (found.dtype != dtype || found.shape.size() != rank) {
      fail(message("array ", printable(name), " has dtype ", name_of(found.dtype), " and ",
                   found.shape.size(), " dimensions, expected ", name_of(dtype), " and ", rank),
           &found);
    }
    return found;
  }

  std::vector<std::int64_t> offsets(const std::string& name, std::int64_t steps) const {
    const FileArray& found = array(name, DType::i64, 1);
    std::vector<std::int64_t> values = found.as<std::int64_t>();
    if (values.empty() || values.front() != 0 || values.back() != steps ||
        !std::is_sorted(values.begin(), values.end())) {
      fail(message("array '", name, "' does not ascend from 0 to ", steps), &found);
    }
    return values;
  }

  std::vector<std::string> names(Split split, std::size_t count) const {
    std::vector<std::string> list = names_from_json(
        metadata(array_name(split, "names")), file_.origin() + " " + array_name(split, "names"));
    if (list.size() != count) {
      fail(message("'", array_name(split, "names"), "' has ", list.size(), " entries, expected ",
                   count));
    }
    return list;
  }

  std::vector<std::int32_t> token_ids(const std::string& name, const FileArray& steps,
                                      int vocabulary) const {
    std::vector<std::int32_t> ids = steps.as<std::int32_t>();
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= vocabulary) {
        fail(message("array ", printable(name), " has the token ", id, ", the vocabulary is ",
                     vocabulary),
             &steps);
      }
    }
    return ids;
  }

  void add_sources(const PairInfo& pairs, Split split, std::vector<Piece>& pieces) const {
    const std::string name = array_name(split, "source_steps");
    const FileArray& steps = array(name, DType::i32, 1);
    const std::vector<std::int32_t> ids = token_ids(name, steps, pairs.vocabulary);
    const std::vector<std::int64_t> bounds =
        offsets(array_name(split, "source_offsets"), steps.shape[0]);
    if (bounds.size() != pieces.size() + 1) {
      fail(message("array ", printable(name), " has ", bounds.size() - 1, " pieces, expected ",
                   pieces.size()),
           &steps);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (bounds[i] == bounds[i + 1]) {
        fail(message("array ", printable(name), ": source ", i, " is empty"), &steps);
      }
      pieces[i].source.tokens.assign(ids.begin() + bounds[i], ids.begin() + bounds[i + 1]);
    }
  }

  void add_labels(std::size_t count, Split split, std::vector<Piece>& pieces) const {
    const std::string name = array_name(split, "labels");
    const FileArray& labels = array(name, DType::i32, 1);
    if (labels.shape[0] != static_cast<std::int64_t>(pieces.size())) {
      fail(message("array ", printable(name), " has ", labels.shape[0], " labels, expected ",
                   pieces.size()),
           &labels);
    }
    const std::vector<std::int32_t> values = labels.as<std::int32_t>();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (values[i] < 0 || static_cast<std::size_t>(values[i]) >= count) {
        fail(
            message("array ", printable(name), " has the label ", values[i], ", there are ", count),
            &labels);
      }
      pieces[i].label = values[i];
    }
  }

  std::vector<Piece> pieces(const Dataset& dataset, Split split) const {
    const bool tokens = dataset.step_kind == StepKind::token;
    const std::string name = array_name(split, "steps");
    const FileArray& steps = tokens ? array(name, DType::i32, 1) : array(name, DType::u8, 2);
    if (!tokens && steps.shape[1] != kFrameBytes) {
      fail(message("array ", printable(name), " has ", steps.shape[1], " columns, expected ",
                   kFrameBytes),
           &steps);
    }
    const std::vector<std::int64_t> bounds = offsets(array_name(split, "offsets"), steps.shape[0]);
    const std::vector<std::string> piece_names = names(split, bounds.size() - 1);
    const std::vector<std::int32_t> ids =
        tokens ? token_ids(name, steps, dataset.vocabulary) : std::vector<std::int32_t>();
    std::vector<Piece> result(piece_names.size());
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i].name = piece_names[i];
      Sequence& sequence = result[i].sequence;
      if (tokens) {
        sequence.tokens.assign(ids.begin() + bounds[i], ids.begin() + bounds[i + 1]);
        continue;
      }
      for (auto step = static_cast<std::size_t>(bounds[i]);
           step < static_cast<std::size_t>(bounds[i + 1]); ++step) {
        sequence.frames.push_back(unpack(steps.bytes.subspan(step * kFrameBytes, kFrameBytes)));
      }
    }
    return result;
  }

  const SafetensorsReader& file_;
};

}  // namespace

std::vector<std::size_t> label_counts(const Dataset& dataset, Split split) {
  std::vector<std::size_t> counts(dataset.labels.size());
  for (const Piece& piece : dataset[split]) {
    if (piece.label >= 0) ++counts.at(static_cast<std::size_t>(piece.label));
  }
  return counts;
}

std::size_t step_count(const std::vector<Piece>& pieces) {
  std::size_t count = 0;
  for (const Piece& piece : pieces) count += piece.sequence.size();
  return count;
}

void save_dataset(const Dataset& dataset, const std::filesystem::path& path) {
  check_pieces(dataset);
  SafetensorsWriter writer;
  writer.set_metadata("format", std::string(kFormat));
  writer.set_metadata("version", std::string(kVersion));
  writer.set_metadata("tokenizer", dataset.tokenizer_name);
  writer.set_metadata("tokenizer_settings", dataset.tokenizer_settings);
  writer.set_metadata("step_kind", dataset.step_kind == StepKind::token ? "token" : "frame");
  writer.set_metadata("vocabulary", std::to_string(dataset.vocabulary));
  if (dataset.pairs) writer.set_metadata("pairs", to_json(*dataset.pairs));
  if (!dataset.labels.empty()) writer.set_metadata("labels", names_to_json(dataset.labels));
  writer.set_metadata("music", to_json(dataset.music));
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    add_split(writer, dataset, split);
  }
  writer.write(path);
}

Dataset read_dataset(const SafetensorsReader& file) { return Loader(file).load(); }

Dataset load_dataset(const std::filesystem::path& path) {
  return read_dataset(SafetensorsReader(path));
}

}  // namespace cadenza
