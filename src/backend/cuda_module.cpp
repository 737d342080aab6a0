// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda_module.h"

#include <dlfcn.h>

#include <filesystem>

#include "backend/cuda_entry.h"
#include "cadenza/error.h"

namespace cadenza {
namespace {

/// The folder this library was loaded from, where its modules lie.
std::filesystem::path own_folder() {
  Dl_info info = {};
  dladdr(reinterpret_cast<const void*>(&cuda_obstacle), &info);
  return std::filesystem::absolute(info.dli_fname).parent_path();
}

/// What to do about a module that dlopen() says this of.
const char* advice_on(std::string_view words) {
  return words.find("libcudnn") != std::string_view::npos
             ? "; install cuDNN 9"
             : "; install the libraries of CUDA 13, or build cadenza anew";
}

struct Loaded {
  const CudaEntry* entry = nullptr;
  std::string problem;
};

/// Modules stay loaded: dlopen() counts, and the code of a backend must outlive it.
Loaded load(std::string_view name) {
  // Without a driver nothing of CUDA needs to be loaded to know the answer.
  if (dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) == nullptr) {
    return {nullptr,
            "no NVIDIA driver was found (libcuda.so.1 cannot be loaded); where there is a GPU, "
            "install its driver, R580 or newer"};
  }
  const std::filesystem::path module = own_folder() / message("libcadenza_", name, ".so");
  if (!std::filesystem::exists(module)) {
    return {nullptr, message(module.string(), " is missing; build with -DCADENZA_CUDA=ON",
                             name == "cudnn" ? " where cuDNN 9 is installed" : "")};
  }
  void* handle = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const std::string words = dlerror();
    return {nullptr, message(module.string(), " cannot be loaded: ", words, advice_on(words))};
  }
  const std::string symbol = message("cadenza_", name, "_entry");
  void* found = dlsym(handle, symbol.c_str());
  if (found == nullptr)
    return {nullptr, message(module.string(), " has no ", symbol, "; build cadenza anew")};
  const auto entry = reinterpret_cast<decltype(&cadenza_cuda_entry)>(found);
  return {entry(), {}};
}

}  // namespace

std::string cuda_obstacle(std::string_view name) {
  const Loaded loaded = load(name);
  return loaded.entry == nullptr ? loaded.problem : loaded.entry->obstacle();
}

std::unique_ptr<Backend> make_cuda_backend(std::string_view name, const BackendOptions& options) {
  return load(name).entry->make(options);
}

}  // namespace cadenza
