# SPDX-License-Identifier: Apache-2.0
# Every dependency is private: nothing here appears in a public header.
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PNG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)

set(CADENZA_HAVE_BLAS OFF)
if(NOT CADENZA_BLAS STREQUAL "OFF")
  pkg_check_modules(OPENBLAS IMPORTED_TARGET openblas)
  if(OPENBLAS_FOUND)
    set(CADENZA_HAVE_BLAS ON)
  elseif(CADENZA_BLAS STREQUAL "ON")
    message(FATAL_ERROR "CADENZA_BLAS=ON but OpenBLAS was not found (Debian: libopenblas-dev)")
  endif()
endif()
message(STATUS "cadenza: OpenBLAS for CPU training: ${CADENZA_HAVE_BLAS}")
