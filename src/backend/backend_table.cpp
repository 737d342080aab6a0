// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/products.h"
#include "backend/cuda_module.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/backend.h"
#include "cadenza/error.h"

namespace cadenza {
namespace {

struct Row {
  std::string_view name;
  std::string_view summary;
  std::vector<Precision> precisions;
  std::vector<Precision> inference;
  /// Why it does not work on this machine; empty if it does.
  std::string (*obstacle)(std::string_view name);
  std::unique_ptr<Backend> (*make)(std::string_view name, const BackendOptions& options);
};

std::string no_obstacle(std::string_view) { return {}; }

std::unique_ptr<Backend> make_reference(std::string_view, const BackendOptions& options) {
  return std::make_unique<ReferenceBackend>(options);
}

std::unique_ptr<Backend> make_cpu(std::string_view, const BackendOptions& options) {
  if (options.precision == Precision::fp32) return std::make_unique<CpuBackend>(options);
  return std::make_unique<NarrowCpuBackend>(options);
}

/// The fastest first.
std::vector<Row> rows() {
  using enum Precision;
  return {
      {"cuda",
       "own kernels and cuBLASLt on an NVIDIA GPU",
       {fp32, tf32, bf16},
       {},
       cuda_obstacle,
       make_cuda_backend},
      {"cudnn",
       "the same with the recurrent layers of cuDNN",
       {fp32, tf32, bf16, fp16},
       {},
       cuda_obstacle,
       make_cuda_backend},
      {"cpu",
       "vectorised and threaded, f32",
       {fp32, int24},
       {bf16, int16, int8},
       no_obstacle,
       make_cpu},
      {"reference",
       "plain loops in one thread, f32 and f64: the measure of the others",
       {fp32},
       {},
       no_obstacle,
       make_reference},
  };
}

/// Tiles multiply integers so much faster than vectors do floats that six products cost less than
/// one.
Precision preferred_of(const Row& row) {
  return row.make == make_cpu && cpu::int24_on_tiles() ? Precision::int24 : Precision::fp32;
}

std::string list_of(const Row& row) {
  std::vector<Precision> all = row.precisions;
  all.insert(all.end(), row.inference.begin(), row.inference.end());
  std::string list;
  for (const Precision precision : all) {
    if (!list.empty()) list += ", ";
    list += name_of(precision);
  }
  return list;
}

bool computes_in(const Row& row, Precision precision) {
  return std::ranges::count(row.precisions, precision) +
             std::ranges::count(row.inference, precision) >
         0;
}

}  // namespace

std::vector<std::string_view> backend_names() {
  std::vector<std::string_view> names;
  for (const Row& row : rows()) names.push_back(row.name);
  return names;
}

std::vector<BackendInfo> backends() {
  std::vector<BackendInfo> infos;
  for (Row& row : rows()) {
    std::string obstacle = row.obstacle(row.name);
    infos.push_back({row.name, row.summary, obstacle.empty(), std::move(obstacle),
                     std::move(row.precisions), std::move(row.inference), preferred_of(row)});
  }
  return infos;
}

std::unique_ptr<Backend> make_backend(std::string_view name, const BackendOptions& options) {
  check(options.threads >= 0, "make_backend: threads is ", options.threads, ", expected >= 0");
  const bool any = name == "auto";
  std::string known = "auto";
  for (const Row& row : rows()) {
    known += ", " + std::string(row.name);
    if (!any && name != row.name) continue;
    if (!computes_in(row, options.precision)) {
      check(any, "backend '", name, "' does not compute in ", name_of(options.precision),
            ", expected one of ", list_of(row));
      continue;
    }
    const std::string obstacle = row.obstacle(row.name);
    if (obstacle.empty()) return row.make(row.name, options);
    if (!any) throw DeviceError(message("backend '", name, "' does not work here: ", obstacle));
  }
  check(!any, "no backend that works here computes in ", name_of(options.precision));
  throw ArgumentError(message("unknown backend '", name, "', expected one of ", known));
}

}  // namespace cadenza
