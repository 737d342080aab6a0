// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cadenza::midi {

/// `text` as UTF-8 of at most `limit` bytes: kept if it is UTF-8 already, otherwise read as
/// Latin-1, the usual encoding of old files. Cut between characters.
std::string to_utf8(std::string_view text, std::size_t limit);

}  // namespace cadenza::midi
