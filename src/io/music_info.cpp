// SPDX-License-Identifier: Apache-2.0
#include "io/music_info.h"

#include <bit>

#include "cadenza/error.h"
#include "io/json.h"

namespace cadenza {
namespace {

TimeSignature metre_from_json(const nlohmann::json& json) {
  const TimeSignature metre = {.numerator = integer_at<int>(json, "numerator"),
                               .denominator = integer_at<int>(json, "denominator")};
  check(metre.numerator >= 1 && metre.numerator <= 255, "a metre of ", metre.numerator,
        " beats, expected 1 to 255");
  check(metre.denominator >= 1 && metre.denominator <= 128 &&
            std::has_single_bit(static_cast<unsigned>(metre.denominator)),
        "a metre in parts of ", metre.denominator, ", expected a power of two up to 128");
  return metre;
}

}  // namespace

std::string to_json(const MusicInfo& music) {
  nlohmann::ordered_json json = {{"bars", music.bars}, {"metres", nlohmann::ordered_json::array()}};
  for (const TimeSignature& metre : music.metres) {
    json["metres"].push_back({{"numerator", metre.numerator}, {"denominator", metre.denominator}});
  }
  return to_text(json);
}

MusicInfo music_info_from_json(const std::string& text, std::size_t labels,
                               const std::string& origin) {
  constexpr std::size_t kHeader = 8;
  try {
    const auto json = parse_json(text);
    MusicInfo music = {.bars = integer_at<int>(json, "bars")};
    check(music.bars >= 0, "bars is ", music.bars, ", expected 0 or more");
    for (const auto& metre : json.at("metres").get_ref<const nlohmann::json::array_t&>()) {
      music.metres.push_back(metre_from_json(metre));
    }
    check(music.metres.empty() || music.metres.size() == labels, music.metres.size(),
          " metres for ", labels, " labels");
    return music;
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(message(origin, ": description of the music: ", error.what()), kHeader);
  } catch (const ArgumentError& error) {
    throw FormatError(message(origin, ": description of the music: ", error.what()), kHeader);
  }
}

}  // namespace cadenza
