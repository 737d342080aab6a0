# SPDX-License-Identifier: Apache-2.0
# cuDNN, wherever NVIDIA's installers put it: CUDNN_ROOT or CUDNN_PATH, the toolkit, the folders of
# Debian packages, Python wheels. Sets CUDNN_FOUND, CUDNN_VERSION, CUDNN_INCLUDE_DIR, CUDNN_LIBRARY
# and CUDNN_LIBRARY_DIR, the folder a module needs in its RPATH, and defines CUDNN::cudnn.
include(FindPackageHandleStandardArgs)

set(CUDNN_hints ${CUDNN_ROOT} $ENV{CUDNN_ROOT} ${CUDNN_PATH} $ENV{CUDNN_PATH}
                ${CUDAToolkit_LIBRARY_ROOT} ${CUDAToolkit_TARGET_DIR} ${CUDAToolkit_LIBRARY_DIR}/..
                $ENV{CUDA_HOME} $ENV{CUDA_PATH})
find_program(CUDNN_PYTHON NAMES python3 python)
mark_as_advanced(CUDNN_PYTHON)
if(CUDNN_PYTHON)
  execute_process(
    COMMAND ${CUDNN_PYTHON} -c
            "import site, sys; print(';'.join(site.getsitepackages() + [site.getusersitepackages()]))"
    OUTPUT_VARIABLE CUDNN_sites OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(TRANSFORM CUDNN_sites APPEND /nvidia/cudnn)
  list(APPEND CUDNN_hints ${CUDNN_sites})
endif()

find_path(CUDNN_INCLUDE_DIR NAMES cudnn.h HINTS ${CUDNN_hints}
          PATH_SUFFIXES include include/${CMAKE_LIBRARY_ARCHITECTURE})
# Beside the header first, so that both are of one installation. Wheels carry the versioned name alone.
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 NAMES_PER_DIR
             HINTS ${CUDNN_INCLUDE_DIR}/.. ${CUDNN_INCLUDE_DIR}/../.. ${CUDNN_hints}
             PATH_SUFFIXES lib lib64 lib/x64 lib/${CMAKE_LIBRARY_ARCHITECTURE})
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)

set(CUDNN_VERSION "")
if(CUDNN_INCLUDE_DIR AND EXISTS ${CUDNN_INCLUDE_DIR}/cudnn_version.h)
  file(STRINGS ${CUDNN_INCLUDE_DIR}/cudnn_version.h CUDNN_lines
       REGEX "^#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) +[0-9]+")
  foreach(part MAJOR MINOR PATCHLEVEL)
    string(REGEX MATCH "CUDNN_${part} +([0-9]+)" ignored "${CUDNN_lines}")
    list(APPEND CUDNN_parts ${CMAKE_MATCH_1})
  endforeach()
  list(JOIN CUDNN_parts . CUDNN_VERSION)
  unset(CUDNN_parts)
endif()

find_package_handle_standard_args(CUDNN REQUIRED_VARS CUDNN_LIBRARY CUDNN_INCLUDE_DIR
                                  VERSION_VAR CUDNN_VERSION HANDLE_VERSION_RANGE)
if(CUDNN_FOUND)
  # Where the file is, not where a link to it lies: the sub-libraries that cuDNN loads are there.
  file(REAL_PATH ${CUDNN_LIBRARY} CUDNN_file)
  cmake_path(GET CUDNN_file PARENT_PATH CUDNN_LIBRARY_DIR)
  if(NOT TARGET CUDNN::cudnn)
    add_library(CUDNN::cudnn SHARED IMPORTED)
    set_target_properties(CUDNN::cudnn PROPERTIES IMPORTED_LOCATION ${CUDNN_file}
                                                  INTERFACE_INCLUDE_DIRECTORIES ${CUDNN_INCLUDE_DIR})
  endif()
endif()
