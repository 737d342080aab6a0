// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace cadenza::tools {

/// How often pieces of each label were taken for which.
class Confusion {
 public:
  explicit Confusion(std::vector<std::string> labels);

  /// `shares` are the probabilities of the labels; the likeliest is what the piece is taken for.
  void add(std::size_t label, const std::vector<double>& shares);

  std::size_t pieces() const;
  double accuracy() const;
  /// Mean over the labels that occur of the share of their pieces that was found.
  double mean_recall() const;
  /// Mean over the pieces of -log of the probability of their label.
  double nll() const;

  /// "accuracy", "mean_recall", "nll_per_piece", "labels" and "confusion" (a row a true label).
  void add_to(nlohmann::ordered_json& out) const;
  /// The same as a table on stdout.
  void print() const;

 private:
  std::vector<std::string> labels_;
  std::vector<std::vector<std::size_t>> counts_;
  double loss_ = 0.0;
};

/// The place of the largest.
std::size_t likeliest(const std::vector<double>& shares);

}  // namespace cadenza::tools
