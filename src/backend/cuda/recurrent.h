// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "backend/cuda/gemm.h"
#include "backend/cuda/memory_pool.h"
#include "cadenza/backend.h"
#include "kernels/convert.h"
#include "kernels/recurrent_cell.h"

// What the directions of the recurrent layers share. Activations lie in rows of planes
// (kernels/recurrent_cell.h), [T, B, planes, H]. In bf16 the planes are kept in f16, and the cells
// give h and the gradients of the sums in bf16 too, as factors of the products; sums, c and
// gradients of states stay in f32.

namespace cadenza::cuda {

/// Factors of products have 16 bits.
inline bool narrow(Precision precision) { return precision == Precision::bf16; }
inline std::int64_t factor_bytes(Precision precision) { return narrow(precision) ? 2 : 4; }

/// Where an operation runs, and how it multiplies.
struct Machine {
  cudaStream_t stream;
  MemoryPool& pool;
  Gemm& gemm;
  Precision precision;

  bool narrow() const { return cuda::narrow(precision); }
  kernels::PlaneType plane_type() const {
    return narrow() ? kernels::PlaneType::f16 : kernels::PlaneType::f32;
  }
  /// Scratch of `count` elements; none where `wanted` is false.
  template <typename T>
  Scratch<T> scratch(std::int64_t count, bool wanted = true) const {
    return Scratch<T>(pool, wanted ? static_cast<std::size_t>(count) : 0);
  }
  /// Nothing is done for an empty product.
  void multiply(kernels::Product product) const {
    if (product.m == 0 || product.n == 0 || product.k == 0) return;
    product.precision = precision;
    gemm.run(product);
  }
};

struct Layer {
  CellKind cell;
  std::int64_t input, hidden, gates, states;
  kernels::PlaneLayout layout;

  explicit Layer(const RecurrentSpec& spec)
      : cell(spec.cell),
        input(spec.input),
        hidden(spec.hidden),
        gates(info_of(spec.cell).gates),
        states(info_of(spec.cell).states),
        layout(kernels::plane_layout(spec.cell)) {}

  std::int64_t gate_rows() const { return gates * hidden; }
  std::int64_t joined_rows() const { return layout.joined * hidden; }
  std::int64_t plane_row() const { return layout.planes * hidden; }
  bool separate() const { return layout.joined < gates; }
};

/// The sizes of a sequence and the lengths of its rows.
struct Extents {
  std::int64_t steps, batch;
  const std::int32_t* lengths = nullptr;            // [B] on the device, or null
  std::span<const std::int32_t> host_lengths = {};  // [B], or empty

  std::int64_t rows() const { return steps * batch; }
  /// One past the last of the rows that step t concerns: batches sorted by length shrink.
  std::int64_t last_row(std::int64_t t) const {
    if (host_lengths.empty()) return batch;
    std::int64_t last = batch;
    while (last > 0 && host_lengths[static_cast<std::size_t>(last - 1)] <= t) --last;
    return last;
  }
};

/// Step t of an array [T, B, width], or null of null.
template <typename T>
T* at_step(T* data, std::int64_t t, const Extents& extents, std::int64_t width) {
  return data == nullptr ? nullptr : data + t * extents.batch * width;
}

/// `elements` further in an array of factors.
inline const void* factor_at(const Machine& machine, const void* factors, std::int64_t elements) {
  return static_cast<const std::byte*>(factors) + elements * factor_bytes(machine.precision);
}

/// State s of a view [S, B, H], or null where it is absent.
inline float* state_of(const TensorView& states, std::int64_t s) {
  return states.empty() || s >= states.shape[0] ? nullptr : states.at(s).as<float>();
}

/// An f32 array as a factor of products: itself, or a copy in bf16.
class Factor {
 public:
  Factor(const Machine& machine, const float* data, std::int64_t count)
      : copy_(machine.scratch<std::uint16_t>(count, machine.narrow() && data != nullptr)),
        data_(data) {
    if (copy_.get() == nullptr) return;
    kernels::convert_to_bf16(data, copy_.get(), count, machine.stream);
    data_ = copy_.get();
  }
  const void* get() const { return data_; }

 private:
  Scratch<std::uint16_t> copy_;
  const void* data_;
};

/// The arrays of all steps, [T, B, ...], that backward reads beside y, in one piece of memory: the
/// reserve, or scratch where nobody wants it.
class Record {
 public:
  /// Of null memory `bytes` alone is of use.
  Record(Precision precision, const Layer& layer, const Extents& extents, void* memory)
      : precision_(precision), layer_(layer), extents_(extents), memory_(memory) {
    const std::int64_t rows = extents.rows();
    c_ = take(layer.states > 1 ? rows * layer.hidden : 0, sizeof(float));
    planes_ = take(rows * layer.plane_row(), factor_bytes(precision));
    h_ = take(narrow(precision) ? rows * layer.hidden : 0, sizeof(std::uint16_t));
  }

  std::size_t bytes() const { return bytes_; }
  /// [B, H] f32 after step t; null for cells with one state.
  float* c(std::int64_t t) const {
    if (layer_.states < 2) return nullptr;
    return at_step(static_cast<float*>(part(c_)), t, extents_, layer_.hidden);
  }
  /// [B, planes, H] in the machine's plane type.
  void* planes(std::int64_t t) const {
    return at_step(static_cast<std::byte*>(part(planes_)), t, extents_,
                   layer_.plane_row() * factor_bytes(precision_));
  }
  /// [B, H] h in bf16 after step t; null where products do not read it.
  std::uint16_t* h(std::int64_t t) const {
    if (!narrow(precision_)) return nullptr;
    return at_step(static_cast<std::uint16_t*>(part(h_)), t, extents_, layer_.hidden);
  }

 private:
  static constexpr std::size_t kAlignment = 64;

  std::size_t take(std::int64_t count, std::int64_t size) {
    const std::size_t offset = bytes_;
    const std::size_t end = offset + static_cast<std::size_t>(count * size);
    bytes_ = (end + kAlignment - 1) / kAlignment * kAlignment;
    return offset;
  }
  void* part(std::size_t offset) const { return static_cast<std::byte*>(memory_) + offset; }

  Precision precision_;
  Layer layer_;
  Extents extents_;
  void* memory_;
  std::size_t bytes_ = 0;
  std::size_t c_, planes_, h_;
};

}  // namespace cadenza::cuda
