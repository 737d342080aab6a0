# SPDX-License-Identifier: Apache-2.0
# Every kernel file, compiled by nvcc for the device and as C++ for the emulation.
set(CADENZA_KERNEL_SOURCES
    convert.cu
    dropout.cu
    elementwise.cu
    generation.cu
    probe.cu
    update.cu)
list(TRANSFORM CADENZA_KERNEL_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
