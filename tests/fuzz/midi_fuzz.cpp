// SPDX-License-Identifier: Apache-2.0
// Any bytes either fail with FormatError or give a Score that is sound, can be written, and reads
// back equal.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "cadenza/error.h"
#include "cadenza/midi.h"

namespace {

using namespace cadenza;

void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "midi_fuzz: %s\n", what);
  std::abort();
}

// Format 0 merges the Tracks of a channel and loses names and order; what must survive is the set
// of notes wherever keys of a channel do not collide, so compare a second round with the first.
void check_merged(const Score& score, bool running_status) {
  const Score merged =
      read_midi(write_midi(score, {.format = 0, .running_status = running_status})).score;
  const Score again =
      read_midi(write_midi(merged, {.format = 0, .running_status = running_status})).score;
  require(again == merged, "format 0 does not read back equal");
  require(merged.tempos == score.tempos, "format 0 changes the tempos");
  require(merged.note_count() <= score.note_count(), "format 0 invents notes");
}

void check_separate(const Score& score, bool running_status) {
  const MidiFile again =
      read_midi(write_midi(score, {.format = 1, .running_status = running_status}));
  require(again.score == score, "format 1 does not read back equal");
  require(again.warnings.empty(), "what was written needs mending");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  MidiFile file;
  try {
    file = read_midi(std::as_bytes(std::span(data, size)));
  } catch (const FormatError& error) {
    require(error.offset() <= size, "an offset beyond the input");
    return 0;
  }
  require(file.warnings.size() <= 21, "too many warnings");
  const bool running_status = size % 2 == 0;
  check_separate(file.score, running_status);
  check_merged(file.score, running_status);
  return 0;
}
