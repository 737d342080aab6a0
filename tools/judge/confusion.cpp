// SPDX-License-Identifier: Apache-2.0
#include "tools/judge/confusion.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tools/common/progress.h"

namespace cadenza::tools {
namespace {

std::size_t sum(const std::vector<std::size_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

std::string right_aligned(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

}  // namespace

std::size_t likeliest(const std::vector<double>& shares) {
  return static_cast<std::size_t>(std::max_element(shares.begin(), shares.end()) - shares.begin());
}

Confusion::Confusion(std::vector<std::string> labels)
    : labels_(std::move(labels)),
      counts_(labels_.size(), std::vector<std::size_t>(labels_.size())) {}

void Confusion::add(std::size_t label, const std::vector<double>& shares) {
  ++counts_.at(label).at(likeliest(shares));
  loss_ -= std::log(shares[label]);
}

std::size_t Confusion::pieces() const {
  std::size_t count = 0;
  for (const auto& row : counts_) count += sum(row);
  return count;
}

double Confusion::accuracy() const {
  std::size_t right = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) right += counts_[i][i];
  return static_cast<double>(right) / static_cast<double>(pieces());
}

double Confusion::mean_recall() const {
  double recall = 0.0;
  double labels = 0.0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (sum(counts_[i]) == 0) continue;
    recall += static_cast<double>(counts_[i][i]) / static_cast<double>(sum(counts_[i]));
    labels += 1.0;
  }
  return recall / labels;
}

double Confusion::nll() const { return loss_ / static_cast<double>(pieces()); }

void Confusion::add_to(nlohmann::ordered_json& out) const {
  out["accuracy"] = accuracy();
  out["mean_recall"] = mean_recall();
  out["nll_per_piece"] = nll();
  out["labels"] = labels_;
  out["confusion"] = counts_;
}

void Confusion::print() const {
  std::cout << "accuracy : " << fixed_text(accuracy(), 3) << " of " << pieces()
            << "; mean over the labels " << fixed_text(mean_recall(), 3)
            << "\nNLL      : " << fixed_text(nll(), 3) << " nats a piece\n\n";
  std::size_t width = 6;
  for (const std::string& label : labels_) width = std::max(width, label.size() + 2);
  std::cout << right_aligned("taken for", 2 * width + 4) << '\n' << right_aligned("is", width);
  for (const std::string& label : labels_) std::cout << right_aligned(label, width);
  std::cout << '\n';
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    std::cout << right_aligned(labels_[i], width);
    for (const std::size_t count : counts_[i])
      std::cout << right_aligned(std::to_string(count), width);
    std::cout << '\n';
  }
}

}  // namespace cadenza::tools
