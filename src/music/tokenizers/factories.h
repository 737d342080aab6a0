// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "cadenza/tokenizer.h"

namespace cadenza {

// One maker per row of the table in tokenizer_table.cpp; each parses its own settings.
std::unique_ptr<Tokenizer> make_melody_tokenizer(std::string_view settings);
std::unique_ptr<Tokenizer> make_performance_tokenizer(std::string_view settings);
std::unique_ptr<Tokenizer> make_remi_tokenizer(std::string_view settings);
std::unique_ptr<Tokenizer> make_chorale_tokenizer(std::string_view settings);
std::unique_ptr<Tokenizer> make_pianoroll_tokenizer(std::string_view settings);
std::unique_ptr<Tokenizer> make_ids_tokenizer(std::string_view settings);

}  // namespace cadenza
