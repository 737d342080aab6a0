# SPDX-License-Identifier: Apache-2.0
# Every dependency is private: nothing here appears in a public header.
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PNG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
