// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "cadenza/error.h"

namespace cadenza::test {

/// Expects `action()` to throw ErrorType with `part` in its message; returns the message.
template <typename ErrorType, typename Action>
std::string expect_error(Action action, std::string_view part) {
  try {
    action();
  } catch (const ErrorType& error) {
    EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
        << "message: " << error.what() << "\nexpected in it: " << part;
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return {};
  }
  ADD_FAILURE() << "no exception, expected: " << part;
  return {};
}

}  // namespace cadenza::test
