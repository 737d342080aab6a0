// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "backend/cpu/amx.h"
#include "backend/cpu/products.h"
#include "cadenza/backend.h"
#include "support/expect_error.h"

// The table of backends.

namespace cadenza {
namespace {

TEST(MakeBackend, ListsTheKnownNamesForAnUnknownOne) {
  test::expect_error<ArgumentError>([] { make_backend("cpuu"); },
                                    "unknown backend 'cpuu', expected one of auto, ");
}

TEST(MakeBackend, RefusesNegativeThreads) {
  EXPECT_THROW(make_backend("reference", {.threads = -1}), ArgumentError);
}

TEST(MakeBackend, TakesTheFirstAvailableForAuto) {
  std::string first;
  for (const BackendInfo& info : backends()) {
    if (info.available && first.empty()) first = info.name;
  }
  EXPECT_EQ(make_backend("auto")->name(), first);
}

TEST(MakeBackend, RefusesAPrecisionTheBackendLacks) {
  test::expect_error<ArgumentError>([] { make_backend("cpu", {.precision = Precision::tf32}); },
                                    "backend 'cpu' does not compute in tf32, expected one of fp32, "
                                    "int24, bf16, int16, int8");
}

TEST(MakeBackend, PrefersInt24WhereThereAreTilesForIt) {
  const auto preferred = [](std::string_view name) {
    for (const BackendInfo& info : backends()) {
      if (info.name == name) return info.preferred;
    }
    throw std::invalid_argument("no such backend");
  };
  EXPECT_EQ(preferred("cpu"), cpu::int24_on_tiles() ? Precision::int24 : Precision::fp32);
  cpu::hide_amx(true);
  EXPECT_EQ(preferred("cpu"), Precision::fp32);
  cpu::hide_amx(false);
  EXPECT_EQ(preferred("reference"), Precision::fp32);
}

TEST(MakeBackend, SaysWhyABackendDoesNotWork) {
  for (const BackendInfo& info : backends()) {
    if (info.available) continue;
    EXPECT_FALSE(info.reason.empty()) << info.name;
    test::expect_error<DeviceError>(
        [&] { make_backend(info.name); },
        message("backend '", info.name, "' does not work here: ", info.reason));
  }
}

TEST(Precision, IsParsedByItsName) {
  for (const auto precision : {Precision::fp32, Precision::tf32, Precision::bf16, Precision::fp16,
                               Precision::int24, Precision::int16, Precision::int8}) {
    EXPECT_EQ(parse_precision(name_of(precision)), precision);
  }
  test::expect_error<ArgumentError>([] { parse_precision("fp64"); },
                                    "unknown precision 'fp64', expected one of fp32, ");
}

}  // namespace
}  // namespace cadenza
