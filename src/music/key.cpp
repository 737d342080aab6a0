// SPDX-License-Identifier: Apache-2.0
#include "cadenza/key.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "cadenza/error.h"
#include "cadenza/features.h"
#include "music/pitch_classes.h"
#include "music/sounding_notes.h"

namespace cadenza {
namespace {

constexpr std::array<int, 7> kMajor = {0, 2, 4, 5, 7, 9, 11};
constexpr std::array<int, 7> kNaturalMinor = {0, 2, 3, 5, 7, 8, 10};

// How well each pitch class fits into a key, from its tonic.
using Profile = std::array<double, kPitchClasses>;
constexpr Profile kMajorProfile = {6.35, 2.23, 3.48, 2.33, 4.38, 4.09,
                                   2.52, 5.19, 2.39, 3.66, 2.29, 2.88};
constexpr Profile kMinorProfile = {6.33, 2.68, 3.52, 5.38, 2.60, 3.53,
                                   2.54, 4.75, 3.98, 2.69, 3.34, 3.17};

double mean(std::span<const double> values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Pearson's correlation of the shares with a profile that begins at `tonic`; NaN if all are equal.
double correlation(const std::vector<double>& shares, const Profile& profile, int tonic) {
  const double mean_share = mean(shares);
  const double mean_fit = mean(profile);
  double product = 0.0;
  double share_squares = 0.0;
  double fit_squares = 0.0;
  for (std::size_t i = 0; i < kPitchClasses; ++i) {
    const double share = shares[(i + static_cast<std::size_t>(tonic)) % kPitchClasses] - mean_share;
    const double fit = profile[i] - mean_fit;
    product += share * fit;
    share_squares += share * share;
    fit_squares += fit * fit;
  }
  return product / std::sqrt(share_squares * fit_squares);
}

}  // namespace

Key key_of(int number) {
  check(number >= 0 && number < kKeyCount, "key_of: the number is ", number, ", expected 0 to ",
        kKeyCount - 1);
  return {.tonic = number % 12, .mode = number < 12 ? Mode::major : Mode::minor};
}

std::string name_of(const Key& key) {
  return message(pitch_class_names()[static_cast<std::size_t>(key.tonic)],
                 key.mode == Mode::major ? " major" : " minor");
}

Key named_key(std::string_view text) {
  constexpr std::string_view kLetters = "c d ef g a b";  // at the place of their pitch class
  std::string rest(text);
  std::transform(rest.begin(), rest.end(), rest.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto letter =
      rest.empty() || rest[0] == ' ' ? std::string_view::npos : kLetters.find(rest[0]);
  bool known = letter != std::string_view::npos;
  int tonic = static_cast<int>(letter);
  rest.erase(0, 1);
  if (known && !rest.empty() && (rest[0] == '#' || rest[0] == 'b')) {
    tonic += rest[0] == '#' ? 1 : 11;
    rest.erase(0, 1);
  }
  std::erase(rest, ' ');
  const bool major = rest.empty() || rest == "major" || rest == "maj";
  known = known && (major || rest == "minor" || rest == "min" || rest == "m");
  check(known,
        "key: expected a letter from A to G, # or b, major or minor, as in \"Bb minor\"; got \"",
        text, "\"");
  return {.tonic = tonic % 12, .mode = major ? Mode::major : Mode::minor};
}

std::array<bool, 12> scale_of(const Key& key) {
  std::array<bool, 12> classes{};
  for (const int step : key.mode == Mode::major ? kMajor : kNaturalMinor) {
    classes[static_cast<std::size_t>((key.tonic + step) % 12)] = true;
  }
  return classes;
}

std::optional<Key> estimate_key(const Score& score) {
  const std::vector<Note> notes = sounding_notes(score);
  if (notes.empty()) return std::nullopt;
  const std::vector<double> shares = sounding_shares(notes);
  int best = 0;
  double best_fit = -2.0;
  for (int number = 0; number < kKeyCount; ++number) {
    const Key key = key_of(number);
    const double fit =
        correlation(shares, key.mode == Mode::major ? kMajorProfile : kMinorProfile, key.tonic);
    if (fit > best_fit) {
      best = number;
      best_fit = fit;
    }
  }
  return key_of(best);
}

}  // namespace cadenza
