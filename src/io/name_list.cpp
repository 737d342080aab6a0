// SPDX-License-Identifier: Apache-2.0
#include "io/name_list.h"

#include <set>
#include <span>

#include "cadenza/error.h"
#include "io/json.h"
#include "io/json_events.h"
#include "io/printable.h"

namespace cadenza {
namespace {

class NameList : public JsonEvents {
 public:
  std::vector<std::string> names;

  void start_array() override {
    if (inside_) unexpected("a list");
    inside_ = true;
  }
  void text(const std::string& value) override {
    if (!inside_) unexpected("a string");
    names.push_back(value);
  }

 protected:
  std::string where() const override { return "the list of names"; }

 private:
  bool inside_ = false;
};

}  // namespace

std::string names_to_json(const std::vector<std::string>& names) { return to_text(names); }

std::vector<std::string> names_from_json(const std::string& text, const std::string& origin) {
  NameList list;
  list.parse(std::as_bytes(std::span(text)), origin);
  return list.names;
}

void check_labels(const std::vector<std::string>& labels) {
  check(labels.size() >= 2, "there are ", labels.size(), " labels, expected two or more");
  std::set<std::string> known;
  for (const std::string& label : labels) {
    check(!label.empty(), "a label is empty");
    check(known.insert(label).second, "the label ", printable(label), " is there twice");
  }
}

std::vector<std::string> labels_from_json(const std::string& text, const std::string& origin) {
  constexpr std::size_t kHeader = 8;
  const std::vector<std::string> labels = names_from_json(text, origin);
  try {
    check_labels(labels);
  } catch (const ArgumentError& error) {
    throw FormatError(message(origin, ": ", error.what()), kHeader);
  }
  return labels;
}

}  // namespace cadenza
