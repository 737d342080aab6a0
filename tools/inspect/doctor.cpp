// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cadenza/backend.h"
#include "cadenza/error.h"
#include "cadenza/render.h"
#include "tools/common/arguments.h"
#include "tools/common/json_result.h"
#include "tools/common/presets.h"

namespace cadenza::tools {
namespace {

nlohmann::ordered_json describe_backend(const BackendInfo& info) {
  nlohmann::ordered_json out = {{"name", info.name}, {"summary", info.summary}};
  out["available"] = info.available;
  if (info.available) {
    out["description"] = make_backend(info.name)->description();
  } else {
    out["reason"] = info.reason;
  }
  return out;
}

nlohmann::ordered_json examine() {
  utsname system = {};
  uname(&system);
  nlohmann::ordered_json out = {{"version", CADENZA_VERSION},
                                {"compiler", __VERSION__},
                                {"system", message(system.sysname, " ", system.release)},
                                {"machine", system.machine},
                                {"cores", std::thread::hardware_concurrency()}};
  out["backends"] = nlohmann::ordered_json::array();
  for (const BackendInfo& info : backends()) out["backends"].push_back(describe_backend(info));
  std::string reason;
  const bool wav = wav_available(&reason);
  out["wav"] = {{"available", wav}};
  if (!wav) out["wav"]["reason"] = reason;
  out["presets"] = {{"folder", presets_folder().string()}, {"names", preset_names()}};
  return out;
}

void print(const nlohmann::ordered_json& found) {
  const auto text = [](const nlohmann::ordered_json& value) { return value.get<std::string>(); };
  std::cout << "cadenza  : " << text(found["version"]) << ", compiler " << text(found["compiler"])
            << '\n'
            << "system   : " << text(found["system"]) << ", " << text(found["machine"]) << ", "
            << found["cores"] << " cores\n";
  for (const auto& backend : found["backends"]) {
    const bool works = backend["available"].get<bool>();
    std::cout << "backend  : "
              << (works
                      ? text(backend["description"])
                      : text(backend["name"]) + ": does not work here: " + text(backend["reason"]))
              << '\n';
  }
  std::cout << "audio    : "
            << (found["wav"]["available"].get<bool>()
                    ? "works (fluidsynth and a sound font were found)"
                    : "does not work here: " + text(found["wav"]["reason"]))
            << '\n'
            << "presets  : " << text(found["presets"]["folder"]) << ":";
  for (const auto& name : found["presets"]["names"]) std::cout << ' ' << text(name);
  std::cout << '\n';
}

}  // namespace

int run_doctor(std::span<char*> arguments) {
  Arguments options("doctor", "Say what works on this machine, and why the rest does not.");
  bool json = false;
  options.add("--json", json, "print one JSON object on stdout");
  if (!options.parse(arguments)) return kDone;
  const nlohmann::ordered_json found = examine();
  if (json) {
    print_json(found);
  } else {
    print(found);
  }
  return kDone;
}

}  // namespace cadenza::tools
