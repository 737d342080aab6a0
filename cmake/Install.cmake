# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)
install(TARGETS cadenza EXPORT cadenza-targets FILE_SET HEADERS)
install(EXPORT cadenza-targets NAMESPACE cadenza:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cadenza)
configure_package_config_file(
  cmake/Config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/cadenza-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cadenza)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/cadenza-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cadenza-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/cadenza-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cadenza)
