// SPDX-License-Identifier: Apache-2.0
#include "models/description.h"

#include <algorithm>
#include <cmath>

#include "io/music_info.h"
#include "io/name_list.h"
#include "nn/host_copy.h"

namespace cadenza {
namespace {

const FileArray& weight_of(const SafetensorsReader& file, const FileNames& file_names,
                           const std::string& name) {
  const auto renamed = file_names.find(name);
  return file.at(renamed == file_names.end() ? name : renamed->second);
}

}  // namespace

std::string metadata(const SafetensorsReader& file, std::string_view key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? std::string() : found->second;
}

bool is_ours(const SafetensorsReader& file) {
  const std::string format = metadata(file, "format");
  if (format.rfind("cadenza-", 0) != 0) return false;
  if (format != kModelFormat) {
    throw FormatError(
        message(file.origin(), ": format is '", format, "', expected '", kModelFormat, "'"), 8);
  }
  return true;
}

std::int64_t count_parameters(const SafetensorsReader& file) {
  std::int64_t count = 0;
  for (const auto& [name, array] : file.arrays()) {
    if (name.rfind("training.", 0) != 0) count += array.count();
  }
  return count;
}

FileNames with_prefix(const std::string& prefix, const std::vector<ParameterSpec>& specs) {
  FileNames names;
  for (const ParameterSpec& spec : specs) names[spec.name] = prefix + spec.name;
  return names;
}

void check_shapes(const SafetensorsReader& file, const std::vector<ParameterSpec>& specs,
                  const FileNames& file_names) {
  for (const ParameterSpec& spec : specs) {
    const std::vector<std::int64_t>& shape = weight_of(file, file_names, spec.name).shape;
    bool same = static_cast<int>(shape.size()) == spec.shape.rank();
    for (int i = 0; same && i < spec.shape.rank(); ++i) {
      same = shape[static_cast<std::size_t>(i)] == spec.shape[i];
    }
    if (same) continue;
    std::string got;
    for (const std::int64_t extent : shape) got += (got.empty() ? "" : ", ") + message(extent);
    throw FormatError(message(file.origin(), ": ", spec.name, " has shape [", got,
                              "], the description demands ", spec.shape),
                      8);
  }
}

void read_weights(const SafetensorsReader& file, const Parameters& parameters,
                  const FileNames& file_names) {
  check_shapes(file, parameters.specs(), file_names);
  for (const ParameterSpec& spec : parameters.specs()) {
    const std::vector<double> values = weight_of(file, file_names, spec.name).as<double>();
    const auto bad = std::find_if(values.begin(), values.end(),
                                  [](double value) { return !std::isfinite(value); });
    if (bad != values.end()) {
      throw FormatError(message(file.origin(), ": ", spec.name, " holds ", *bad), 8);
    }
    upload_real(parameters.backend(), values, parameters.value(spec.name));
  }
}

std::vector<std::string> read_labels(const SafetensorsReader& file, int expected) {
  std::vector<std::string> labels = labels_from_json(metadata(file, "labels"), file.origin());
  check(labels.size() == static_cast<std::size_t>(expected), file.origin(),
        ": the model is conditioned on ", expected, " labels, ", labels.size(), " have names");
  return labels;
}

MusicInfo read_music(const SafetensorsReader& file) {
  const std::string text = metadata(file, "music");
  if (text.empty()) return {};
  const std::string labels = metadata(file, "labels");
  return music_info_from_json(
      text, labels.empty() ? 0 : labels_from_json(labels, file.origin()).size(), file.origin());
}

void check_kind(const nlohmann::json& architecture, std::string_view expected) {
  const auto kind = architecture.at("kind").get<std::string>();
  check(kind == expected, "kind of model is '", kind, "', expected '", expected, "'");
}

}  // namespace cadenza
