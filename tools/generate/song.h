// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cadenza/score.h"

namespace cadenza::tools {

/// Music put together from parts that were computed one by one, along the bars of the music they
/// came from.
class Song {
 public:
  /// Time, tempo, metre and key as in `frame`.
  explicit Song(const Score& frame);
  /// Adds the tracks of `part` at `start` ticks of the frame. Track k of every part with the same
  /// `role` goes on in the same track; roles do not share a channel.
  void add(const std::string& role, const Score& part, std::int64_t start);
  Score finish();

 private:
  std::uint8_t free_channel(const Track& like, const std::string& role) const;

  Score score_;
  std::map<std::string, std::vector<std::size_t>> tracks_;  // role -> indices in score_
};

}  // namespace cadenza::tools
