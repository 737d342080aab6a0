// SPDX-License-Identifier: Apache-2.0
// Reading and writing a long piano performance: 39,000 notes and 2,000 pedal events, 80,000 events
// in about 260 kB.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <random>

#include "cadenza/midi.h"

namespace {

using namespace cadenza;

constexpr int kNotes = 39000;
constexpr int kPedalEvents = 2000;
constexpr std::int64_t kEvents = 2 * kNotes + kPedalEvents;

Score performance() {
  std::mt19937 random(7);
  const auto between = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  Track piano{"piano", 0, 0, {}, {}};
  std::int64_t tick = 0;
  for (int i = 0; i < kNotes; ++i) {
    // Chords of about three notes; no key sounds twice at once, so every note is two events.
    if (i % 3 == 0) tick += between(20, 200);
    const auto pitch = static_cast<std::uint8_t>(24 + (i * 7) % 72);
    piano.notes.push_back(
        {tick, tick + between(15, 300), pitch, static_cast<std::uint8_t>(between(30, 110))});
  }
  std::sort(piano.notes.begin(), piano.notes.end());
  for (int i = 0; i < kPedalEvents; ++i) {
    piano.pedal.push_back({i * tick / kPedalEvents, i % 2 == 0});
  }
  Score score;
  score.tracks.push_back(std::move(piano));
  score.tempos = {{0, 500000}};
  return score;
}

void read_performance(benchmark::State& state) {
  const std::vector<std::byte> bytes =
      write_midi(performance(), {.format = 1, .running_status = state.range(0) != 0});
  for (auto _ : state) benchmark::DoNotOptimize(read_midi(bytes));
  state.SetItemsProcessed(state.iterations() * kEvents);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(read_performance)
    ->ArgName("running_status")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

void write_performance(benchmark::State& state) {
  const Score score = performance();
  for (auto _ : state) benchmark::DoNotOptimize(write_midi(score));
  state.SetItemsProcessed(state.iterations() * kEvents);
}
BENCHMARK(write_performance)->Unit(benchmark::kMillisecond);

}  // namespace
