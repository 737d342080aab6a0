// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <dnnl.hpp>
#include <unordered_map>

#include "bench/shapes.h"

namespace cadenza::bench {

using dnnl::memory;
using Desc = memory::desc;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;
using dnnl::prop_kind;

constexpr auto kFloat = memory::data_type::f32;
constexpr auto kForwards = dnnl::rnn_direction::unidirectional_left2right;

/// What a primitive makes of these arrays, on its way back from `hint`.
template <typename Primitive, typename Hint, typename... Arrays>
auto describe_backward(const dnnl::engine& engine, const Hint& hint, const Arrays&... arrays) {
#if DNNL_VERSION_MAJOR < 3
  return typename Primitive::primitive_desc(typename Primitive::desc(arrays...), engine, hint);
#else
  return typename Primitive::primitive_desc(engine, arrays..., hint);
#endif
}

/// What a primitive makes of these arrays.
template <typename Primitive, typename... Arrays>
auto describe(const dnnl::engine& engine, const Arrays&... arrays) {
#if DNNL_VERSION_MAJOR < 3
  return typename Primitive::primitive_desc(typename Primitive::desc(arrays...), engine);
#else
  return typename Primitive::primitive_desc(engine, arrays...);
#endif
}

/// The library on one processor, work in order.
struct Device {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  memory make(const Desc& desc) const { return memory(desc, engine); }
  memory over(const Desc& desc, float* values) const { return memory(desc, engine, values); }
  void reorder(const memory& from, const memory& to) {
    memory source = from;
    memory target = to;
    dnnl::reorder(source, target).execute(stream, source, target);
  }
  memory reordered(const memory& from, const Desc& desc) {
    memory to = make(desc);
    reorder(from, to);
    return to;
  }
  void run(const dnnl::primitive& primitive, const Arguments& arguments) {
    primitive.execute(stream, arguments);
    stream.wait();
  }
};

/// Arrays of T steps of a model, in the order of memory that a caller has.
struct Arrays {
  Arrays(const RecordModel& model, std::int64_t steps, std::int64_t batch)
      : sequence({steps, batch, model.hidden}, kFloat, Tag::tnc),
        state({model.layers, 1, batch, model.hidden}, kFloat, Tag::ldnc),
        weights({model.layers, 1, model.hidden, 4, model.hidden}, kFloat, Tag::ldigo),
        any_weights({model.layers, 1, model.hidden, 4, model.hidden}, kFloat, Tag::any),
        gate_bias({model.layers, 1, 4, model.hidden}, kFloat, Tag::ldgo),
        rows({steps * batch, model.hidden}, kFloat, Tag::ab),
        dense({model.vocabulary, model.hidden}, kFloat, Tag::ba),
        any_dense({model.vocabulary, model.hidden}, kFloat, Tag::any),
        bias({model.vocabulary}, kFloat, Tag::a),
        logits({steps * batch, model.vocabulary}, kFloat, Tag::ab) {}

  Desc sequence, state, weights, any_weights, gate_bias, rows, dense, any_dense, bias, logits;
};

inline float* values_of(const memory& array) {
  return static_cast<float*>(array.get_data_handle());
}

inline void clear(const memory& array) {
  std::fill_n(static_cast<char*>(array.get_data_handle()), array.get_desc().get_size(), '\0');
}

}  // namespace cadenza::bench
