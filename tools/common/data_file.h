// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/tokenizer.h"

namespace cadenza::tools {

enum class FileKind { midi, safetensors, json, npy, unknown };
/// Told from the first bytes, never from the name. FileError if unreadable.
FileKind file_kind(const std::filesystem::path& path);

/// A prepared data file, or, for convenience, a .json frame set or a .npy token array. A .npy file
/// with ten pieces or more is split 0.8, 0.1, 0.1; with fewer, all are training pieces.
Dataset load_data(const std::filesystem::path& path);

/// The tokenizer that a data set was made with.
std::unique_ptr<Tokenizer> tokenizer_of(const Dataset& dataset);

/// "NAME" or "NAME:SETTINGS", as --tokenizer takes it.
std::unique_ptr<Tokenizer> parse_tokenizer(const std::string& text);

/// Shares of train, valid and test.
using SplitShares = std::array<double, 3>;
/// "0.8,0.1,0.1"; UsageError unless each is in [0, 1] and they add up to 1.
SplitShares parse_split(const std::string& text);
/// Which split each piece falls into, by its content (`hashes`, one a piece) and the seed alone:
/// neither the order nor the names of files matter. Each share above 0 gets at least one piece if
/// there are enough.
std::vector<Split> assign_splits(const std::vector<std::uint64_t>& hashes,
                                 const SplitShares& shares, std::uint64_t seed);
/// A fingerprint of the steps of a piece.
std::uint64_t content_hash(const Sequence& sequence, std::uint64_t seed = 0);

}  // namespace cadenza::tools
