// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cpu_backend.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/backend.h"
#include "cadenza/error.h"

namespace cadenza {
namespace {

struct Row {
  std::string_view name;
  std::string_view summary;
  /// Why it does not work on this machine; empty if it does.
  std::string (*obstacle)();
  std::unique_ptr<Backend> (*make)(const BackendOptions& options);
};

std::string no_obstacle() { return {}; }

/// The fastest first.
constexpr Row kBackends[] = {
    {"cpu", "vectorised and threaded, f32", no_obstacle,
     [](const BackendOptions& options) -> std::unique_ptr<Backend> {
       return std::make_unique<CpuBackend>(options);
     }},
    {"reference", "plain loops in one thread, f32 and f64: the measure of the others", no_obstacle,
     [](const BackendOptions&) -> std::unique_ptr<Backend> {
       return std::make_unique<ReferenceBackend>();
     }},
};

}  // namespace

std::vector<BackendInfo> backends() {
  std::vector<BackendInfo> infos;
  for (const Row& row : kBackends) {
    std::string obstacle = row.obstacle();
    infos.push_back({row.name, row.summary, obstacle.empty(), std::move(obstacle)});
  }
  return infos;
}

std::unique_ptr<Backend> make_backend(std::string_view name, const BackendOptions& options) {
  check(options.threads >= 0, "make_backend: threads is ", options.threads, ", expected >= 0");
  std::string known = "auto";
  for (const Row& row : kBackends) {
    known += ", " + std::string(row.name);
    if (name != row.name && name != "auto") continue;
    const std::string obstacle = row.obstacle();
    if (obstacle.empty()) return row.make(options);
    if (name == row.name) {
      throw DeviceError(message("backend '", name, "' does not work here: ", obstacle));
    }
  }
  throw ArgumentError(message("unknown backend '", name, "', expected one of ", known));
}

}  // namespace cadenza
