# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)
# Until 1.0 every minor version may change the interface.
set_target_properties(cadenza PROPERTIES VERSION ${PROJECT_VERSION}
                                         SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
install(TARGETS cadenza EXPORT cadenza-targets FILE_SET HEADERS)
install(EXPORT cadenza-targets NAMESPACE cadenza:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cadenza)
configure_package_config_file(
  cmake/Config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/cadenza-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cadenza)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/cadenza-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
# Relative to the file itself, so that an installation can be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE prefix_from_pc)
configure_file(cmake/cadenza.pc.in ${CMAKE_CURRENT_BINARY_DIR}/cadenza.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cadenza-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/cadenza-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/cadenza)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cadenza.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
