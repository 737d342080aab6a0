# SPDX-License-Identifier: Apache-2.0
# cadenza_build: warnings and sanitizers for the project's own targets, never for consumers.
add_library(cadenza_build INTERFACE)
target_compile_options(cadenza_build INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                               -Wold-style-cast -Wcast-align -Woverloaded-virtual
                                               # designated initialisers name what they set
                                               -Wno-missing-field-initializers)
if(CMAKE_UNITY_BUILD)
  # Files compiled as one see each other's helpers.
  target_compile_options(cadenza_build INTERFACE -Wno-shadow)
endif()
if(CADENZA_WERROR)
  target_compile_options(cadenza_build INTERFACE -Werror)
endif()
if(CADENZA_SANITIZE)
  target_compile_definitions(cadenza_build INTERFACE CADENZA_SANITIZED)
  target_compile_options(cadenza_build INTERFACE -fsanitize=${CADENZA_SANITIZE}
                                                 -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Under sanitizers g++ 12 sees uninitialised members in its own <regex> and <functional>.
    target_compile_options(cadenza_build INTERFACE -Wno-maybe-uninitialized)
  endif()
  target_link_options(cadenza_build INTERFACE -fsanitize=${CADENZA_SANITIZE})
endif()
