# SPDX-License-Identifier: Apache-2.0
# Host side of the cuda and cudnn backends, compiled for the modules and for the emulation alike.
set(CADENZA_CUDA_SOURCES
    attention.cpp
    cuda_backend.cpp
    dense.cpp
    generate.cpp
    graph.cpp
    losses.cpp
    memory_pool.cpp
    nade.cpp
    recurrent_backward.cpp
    recurrent_forward.cpp
    sampling.cpp
    staging.cpp
    update.cpp)
list(TRANSFORM CADENZA_CUDA_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
set(CADENZA_CUDNN_SOURCES
    cudnn_backend.cpp
    cudnn_layer_call.cpp
    cudnn_plan.cpp
    cudnn_recurrent.cpp
    cudnn_rnn.cpp
    cudnn_weights.cpp)
list(TRANSFORM CADENZA_CUDNN_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
