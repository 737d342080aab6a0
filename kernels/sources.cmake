# SPDX-License-Identifier: Apache-2.0
# Every kernel file, compiled by nvcc for the device and as C++ for the emulation.
set(CADENZA_KERNEL_SOURCES
    attention.cu
    attention_pairs.cu
    attention_sums.cu
    column_sums.cu
    convert.cu
    dropout.cu
    elementwise.cu
    elementwise_losses.cu
    embedding.cu
    generation.cu
    key_order.cu
    matmul.cu
    matmul_fp32.cu
    matmul_mma.cu
    nade.cu
    nade_gradients.cu
    probe.cu
    recurrent_cell.cu
    recurrent_input.cu
    recurrent_step.cu
    recurrent_step_bf16.cu
    sample.cu
    sample_keys.cu
    sequence_copy.cu
    softmax_loss.cu
    transpose.cu
    update.cu
    weight_space.cu)
list(TRANSFORM CADENZA_KERNEL_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
