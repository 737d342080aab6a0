// SPDX-License-Identifier: Apache-2.0
#include "tools/common/compute.h"

#include <iostream>

#include "cadenza/error.h"

namespace cadenza::tools {

void add_compute_options(Arguments& arguments, ComputeOptions& options) {
  std::vector<std::string> names = {"auto"};
  for (const std::string_view name : backend_names()) names.emplace_back(name);
  arguments.heading("Computing");
  arguments.add_choice("--backend", options.backend, "what computes; auto takes the fastest",
                       names);
  arguments.add_choice("--precision", options.precision,
                       "number format of the products; auto takes the fastest that errs as little "
                       "as fp32, and fp32 to train; on the cpu backend bf16, int16 and int8 do not "
                       "train",
                       {"auto", "fp32", "tf32", "bf16", "fp16", "int24", "int16", "int8"});
  arguments.add("--threads", options.threads, "threads; 0: every core this process may use");
  arguments.add("--explain", options.explain, "say how the backend computes, and why");
}

void check_compute_options(const ComputeOptions& options) {
  if (options.threads < 0) {
    throw UsageError(message("--threads is ", options.threads, ", expected 0 or more"));
  }
}

namespace {

std::unique_ptr<Backend> make_chosen_backend(const ComputeOptions& options) {
  if (options.precision != "auto") {
    return make_backend(options.backend, {.threads = options.threads,
                                          .precision = parse_precision(options.precision)});
  }
  const bool any = options.backend == "auto";
  for (const BackendInfo& info : backends()) {  // the fastest first
    if (any ? !info.available : info.name != options.backend) continue;
    return make_backend(info.name, {.threads = options.threads, .precision = info.preferred});
  }
  return make_backend(options.backend);  // which says what is wrong with the name
}

}  // namespace

std::unique_ptr<Backend> open_backend(const ComputeOptions& options) {
  check_compute_options(options);
  std::unique_ptr<Backend> backend = make_chosen_backend(options);
  std::cerr << "backend  : " << backend->description();
  if (options.backend == "auto") std::cerr << " (the fastest that works here)";
  std::cerr << '\n';
  return backend;
}

void explain_decisions(const ComputeOptions& options, const Backend& backend) {
  if (!options.explain) return;
  for (const std::string& line : backend.decisions()) std::cerr << "chosen   : " << line << '\n';
}

}  // namespace cadenza::tools
