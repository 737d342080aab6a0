// SPDX-License-Identifier: Apache-2.0
#include "cadenza/grid_piece.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

#include "cadenza/error.h"
#include "music/tokenizers/notes.h"

namespace cadenza {
namespace {

TokenGrid grid_of(const Tokenizer& tokenizer) {
  const std::optional<TokenGrid> grid = tokenizer.grid();
  check(grid.has_value(), "tokens of ", tokenizer.name(), " stand on no grid");
  return *grid;
}

/// start, end, pitch in steps
using NoteKey = std::tuple<std::int64_t, std::int64_t, std::uint8_t>;

}  // namespace

GridPiece::GridPiece(const Tokenizer& tokenizer, const Score& score)
    : tokenizer_(tokenizer), grid_(grid_of(tokenizer)), score_(score) {
  std::string reason;
  sequence_ = tokenizer.encode_primer(score, &reason);
  check(sequence_.size() > 0, reason);
  find_notes();
}

std::vector<GridPiece::StepNote> GridPiece::notes_of(const Sequence& sequence) const {
  const Score decoded = quantize(tokenizer_.decode(sequence), grid_.steps_per_quarter);
  std::vector<StepNote> notes;
  for (std::size_t voice = 0; voice < decoded.tracks.size(); ++voice) {
    for (const Note& note : decoded.tracks[voice].notes) {
      notes.push_back({voice, note.start, note.end, note.pitch});
    }
  }
  std::sort(notes.begin(), notes.end());
  return notes;
}

// Matches what the tokens hold with the notes of the score, both in steps. The first notes of both
// are the same.
void GridPiece::find_notes() {
  std::multimap<NoteKey, Place> in_score;
  for (std::size_t t = 0; t < score_.tracks.size(); ++t) {
    if (score_.tracks[t].is_drum()) continue;
    Score alone = {.ticks_per_quarter = score_.ticks_per_quarter, .tracks = {Track()}};
    for (std::size_t n = 0; n < score_.tracks[t].notes.size(); ++n) {
      alone.tracks[0].notes = {score_.tracks[t].notes[n]};
      const Note note = quantize(alone, grid_.steps_per_quarter).tracks[0].notes[0];
      in_score.insert({{note.start, note.end, note.pitch}, {t, n}});
    }
  }
  notes_ = notes_of(sequence_);
  std::int64_t first = notes_.front().start;
  for (const StepNote& note : notes_) first = std::min(first, note.start);
  first_step_ = std::get<0>(in_score.begin()->first) - first;
  for (const StepNote& note : notes_) {
    const auto found =
        in_score.find({note.start + first_step_, note.end + first_step_, note.pitch});
    check(found != in_score.end(), "the music does not fit the grid of ", tokenizer_.name(),
          ": there is no note ", int{note.pitch}, " from step ", note.start + first_step_, " to ",
          note.end + first_step_, " as its tokens have it");
    places_.push_back(found->second);
    in_score.erase(found);
  }
  if (in_score.empty()) return;
  const auto& [key, place] = *in_score.begin();
  const Note& note = score_.tracks[place.track].notes[place.note];
  throw ArgumentError(message("the music does not fit the grid of ", tokenizer_.name(), ": ",
                              in_score.size(), " notes have no place among ", grid_.voices.size(),
                              grid_.voices.size() == 1 ? " voice" : " voices", " of ",
                              grid_.steps_per_quarter, " steps a quarter, the first is the note ",
                              int{note.pitch}, " at tick ", note.start));
}

std::int64_t GridPiece::steps() const {
  return static_cast<std::int64_t>(sequence_.size() / grid_.voices.size());
}

std::int64_t GridPiece::step_at(std::int64_t tick) const {
  const std::int64_t quarter = score_.ticks_per_quarter;
  const std::int64_t step = (tick * grid_.steps_per_quarter + quarter - 1) / quarter;
  return std::clamp<std::int64_t>(step - first_step_, 0, steps());
}

std::size_t GridPiece::home_of(std::size_t voice, const Score& like, Score& score) const {
  std::set<std::size_t> mine;
  std::set<std::size_t> others;
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    (notes_[i].voice == voice ? mine : others).insert(places_[i].track);
  }
  const std::string& name = like.tracks[voice].name;
  for (std::size_t t = 0; t < score.tracks.size(); ++t) {
    const bool empty_one = mine.empty() && score.tracks[t].name == name;
    if ((mine.contains(t) || empty_one) && !others.contains(t)) return t;
  }
  Track& added = score.tracks.emplace_back();
  added.name = name;
  added.channel = like.tracks[voice].channel;
  return score.tracks.size() - 1;
}

Score GridPiece::with(const Sequence& filled) const {
  check(filled.size() == sequence_.size(), "the filled piece has ", filled.size(),
        " tokens, expected ", sequence_.size());
  const std::vector<StepNote> wanted = notes_of(filled);
  std::vector<StepNote> added;
  std::set_difference(wanted.begin(), wanted.end(), notes_.begin(), notes_.end(),
                      std::back_inserter(added));
  std::vector<std::uint8_t> velocity(grid_.voices.size(), kPlainVelocity);
  std::set<std::pair<std::size_t, std::size_t>> removed;
  for (std::size_t i = notes_.size(); i-- > 0;) {
    const Place& place = places_[i];
    velocity[notes_[i].voice] = score_.tracks[place.track].notes[place.note].velocity;
    if (!std::binary_search(wanted.begin(), wanted.end(), notes_[i])) {
      removed.insert({place.track, place.note});
    }
  }
  Score result = score_;
  for (auto it = removed.rbegin(); it != removed.rend(); ++it) {
    std::vector<Note>& notes = result.tracks[it->first].notes;
    notes.erase(notes.begin() + static_cast<std::ptrdiff_t>(it->second));
  }
  const auto tick = [&](std::int64_t step) {
    return (step + first_step_) * score_.ticks_per_quarter / grid_.steps_per_quarter;
  };
  const Score like = tokenizer_.decode(filled);
  std::map<std::size_t, std::size_t> homes;
  for (const StepNote& note : added) {
    if (!homes.contains(note.voice)) homes[note.voice] = home_of(note.voice, like, result);
    result.tracks[homes[note.voice]].notes.push_back(
        {tick(note.start), tick(note.end), note.pitch, velocity[note.voice]});
  }
  for (Track& track : result.tracks) std::sort(track.notes.begin(), track.notes.end());
  return result;
}

}  // namespace cadenza
