// SPDX-License-Identifier: Apache-2.0
#include "tools/common/data_file.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include "cadenza/error.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kFewestToSplit = 10;
constexpr SplitShares kDefaultShares = {0.8, 0.1, 0.1};

/// The finaliser of MurmurHash3: a bijection in which every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

Dataset split_pieces(Dataset data) {
  std::vector<Piece> pieces = std::move(data[Split::train]);
  data[Split::train].clear();
  std::vector<std::uint64_t> hashes;
  for (const Piece& piece : pieces) hashes.push_back(content_hash(piece.sequence));
  const std::vector<Split> splits = assign_splits(hashes, kDefaultShares, 1);
  for (std::size_t i = 0; i < pieces.size(); ++i) data[splits[i]].push_back(std::move(pieces[i]));
  return data;
}

}  // namespace

FileKind file_kind(const fs::path& path) {
  if (fs::is_directory(path)) {
    throw FileError(message(path.string(), ": is a folder, expected a file"));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw FileError(message(path.string(), ": cannot be opened"));
  std::string head(64, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  if (head.starts_with("MThd") || head.starts_with("RIFF")) return FileKind::midi;
  if (head.starts_with("\x93NUMPY")) return FileKind::npy;
  if (head.size() > 8 && head[8] == '{') return FileKind::safetensors;
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && head[first] == '{') return FileKind::json;
  return FileKind::unknown;
}

Dataset load_data(const fs::path& path) {
  switch (file_kind(path)) {
    case FileKind::safetensors:
      return load_dataset(path);
    case FileKind::json:
      return load_frames_json(path);
    case FileKind::npy: {
      Dataset data = load_npy_tokens(path);
      if (data[Split::train].size() < kFewestToSplit) return data;
      return split_pieces(std::move(data));
    }
    default:
      throw FileError(message(path.string(),
                              ": is not a data file; expected one that 'cadenza "
                              "prepare' wrote, a .json frame set or a .npy array"));
  }
}

std::unique_ptr<Tokenizer> tokenizer_of(const Dataset& dataset) {
  return make_tokenizer(dataset.tokenizer_name, dataset.tokenizer_settings);
}

std::unique_ptr<Tokenizer> parse_tokenizer(const std::string& text) {
  const std::size_t colon = text.find(':');
  std::unique_ptr<Tokenizer> tokenizer;
  as_usage([&] {
    tokenizer = make_tokenizer(text.substr(0, colon),
                               colon == std::string::npos ? "" : text.substr(colon + 1));
  });
  return tokenizer;
}

SplitShares parse_split(const std::string& text) {
  const std::vector<std::string> parts = split_list(text);
  SplitShares shares = {};
  if (parts.size() != shares.size()) {
    throw UsageError(message("--split: '", text, "' has ", parts.size(),
                             " shares, expected train, valid and test as in 0.8,0.1,0.1"));
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i] = parse_number(parts[i], "--split");
    if (!(shares[i] >= 0.0 && shares[i] <= 1.0)) {
      throw UsageError(message("--split: ", parts[i], " is outside 0..1"));
    }
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (std::abs(sum - 1.0) > 1e-6) {
    throw UsageError(message("--split: the shares add up to ", sum, ", expected 1"));
  }
  return shares;
}

std::vector<Split> assign_splits(const std::vector<std::uint64_t>& hashes,
                                 const SplitShares& shares, std::uint64_t seed) {
  std::vector<std::size_t> order(hashes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return mix(hashes[a] ^ mix(seed + 1)) < mix(hashes[b] ^ mix(seed + 1));
  });
  const auto count_of = [&](Split split) {
    const double share = shares[static_cast<std::size_t>(split)];
    const auto count =
        static_cast<std::size_t>(std::lround(share * static_cast<double>(hashes.size())));
    return share > 0.0 && count == 0 && hashes.size() >= shares.size() ? 1 : count;
  };
  const std::size_t test = count_of(Split::test);
  const std::size_t valid = count_of(Split::valid);
  const bool no_train = shares[0] == 0.0;
  std::vector<Split> splits(hashes.size(), Split::train);
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i < test) {
      splits[order[i]] = Split::test;
    } else if (i < test + valid || no_train) {
      splits[order[i]] = shares[1] > 0.0 ? Split::valid : Split::test;
    }
  }
  return splits;
}

std::uint64_t content_hash(const Sequence& sequence, std::uint64_t seed) {
  std::uint64_t hash = mix(seed + sequence.size() + 1);
  for (const std::int32_t token : sequence.tokens) {
    hash = mix(hash ^ static_cast<std::uint32_t>(token)) + 1;
  }
  for (const Frame& frame : sequence.frames) hash = mix(hash ^ std::hash<Frame>()(frame)) + 1;
  return hash;
}

}  // namespace cadenza::tools
