// SPDX-License-Identifier: Apache-2.0
#include "cadenza/dataset.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "io/dataset_reader.h"
#include "io/json_events.h"
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

std::vector<std::int32_t> join_tokens(const std::vector<Piece>& pieces) {
  std::vector<std::int32_t> tokens;
  for (const Piece& piece : pieces) {
    tokens.insert(tokens.end(), piece.sequence.tokens.begin(), piece.sequence.tokens.end());
  }
  return tokens;
}

void check_pieces(const Dataset& dataset) {
  for (const auto& pieces : dataset.splits) {
    for (const Piece& piece : pieces) {
      const Sequence& sequence = piece.sequence;
      const bool tokens = dataset.step_kind == StepKind::token;
      check(tokens ? sequence.frames.empty() : sequence.tokens.empty(), "save_dataset: piece ",
            printable(piece.name), " has ", tokens ? "frames" : "tokens", ", expected ",
            tokens ? "tokens" : "frames");
      for (const std::int32_t token : sequence.tokens) {
        check(token >= 0 && token < dataset.vocabulary, "save_dataset: piece ",
              printable(piece.name), " has the token ", token, ", the vocabulary is ",
              dataset.vocabulary);
      }
    }
  }
}

void add_split(SafetensorsWriter& writer, const Dataset& dataset, Split split) {
  const std::vector<Piece>& pieces = dataset[split];
  std::vector<std::int64_t> offsets = {0};
  nlohmann::json names = nlohmann::json::array();
  for (const Piece& piece : pieces) {
    offsets.push_back(offsets.back() + static_cast<std::int64_t>(piece.sequence.size()));
    names.push_back(piece.name);
  }
  const std::int64_t steps = offsets.back();
  if (dataset.step_kind == StepKind::token) {
    writer.add<std::int32_t>(array_name(split, "steps"), {steps}, join_tokens(pieces));
  } else {
    writer.add<std::uint8_t>(array_name(split, "steps"), {steps, kFrameBytes}, pack(pieces));
  }
  writer.add<std::int64_t>(array_name(split, "offsets"),
                           {static_cast<std::int64_t>(offsets.size())}, offsets);
  // File names need not be UTF-8; they only serve messages.
  writer.set_metadata(array_name(split, "names"),
                      names.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// ["name", ...]
class NameList : public JsonEvents {
 public:
  std::vector<std::string> names;

  void start_array() override {
    if (inside_) unexpected("a list");
    inside_ = true;
  }
  void text(const std::string& value) override {
    if (!inside_) unexpected("a string");
    names.push_back(value);
  }

 protected:
  std::string where() const override { return "the list of names"; }

 private:
  bool inside_ = false;
};

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
    for (const Split split : {Split::train, Split::valid, Split::test}) {
      dataset[split] = pieces(dataset, split);
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

  std::vector<std::int64_t> offsets(Split split, std::int64_t steps) const {
    const FileArray& found = array(array_name(split, "offsets"), DType::i64, 1);
    std::vector<std::int64_t> values = found.as<std::int64_t>();
    if (values.empty() || values.front() != 0 || values.back() != steps ||
        !std::is_sorted(values.begin(), values.end())) {
      fail(message("array '", array_name(split, "offsets"), "' does not ascend from 0 to ", steps),
           &found);
    }
    return values;
  }

  std::vector<std::string> names(Split split, std::size_t count) const {
    NameList list;
    const std::string& text = metadata(array_name(split, "names"));
    list.parse(std::as_bytes(std::span(text)), file_.origin() + " " + array_name(split, "names"));
    if (list.names.size() != count) {
      fail(message("'", array_name(split, "names"), "' has ", list.names.size(),
                   " entries, expected ", count));
    }
    return list.names;
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
    const std::vector<std::int64_t> bounds = offsets(split, steps.shape[0]);
    const std::vector<std::string> piece_names = names(split, bounds.size() - 1);
    const std::vector<std::int32_t> ids =
        tokens ? steps.as<std::int32_t>() : std::vector<std::int32_t>();
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= dataset.vocabulary) {
        fail(message("array ", printable(name), " has the token ", id, ", the vocabulary is ",
                     dataset.vocabulary),
             &steps);
      }
    }
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
