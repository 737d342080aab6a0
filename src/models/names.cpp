// SPDX-License-Identifier: Apache-2.0
#include <span>
#include <string>

#include "cadenza/classifier.h"
#include "cadenza/condition.h"
#include "cadenza/error.h"
#include "cadenza/event_gan.h"
#include "cadenza/language_model.h"
#include "cadenza/optimizer.h"
#include "cadenza/seq2seq.h"

namespace cadenza {
namespace {

template <typename Kind>
struct Name {
  Kind kind;
  std::string_view name;
};

constexpr Name<Head> kHeads[] = {
    {Head::softmax, "softmax"}, {Head::bernoulli, "bernoulli"}, {Head::nade, "nade"}};
constexpr Name<Activation> kActivations[] = {{Activation::identity, "identity"},
                                             {Activation::sigmoid, "sigmoid"},
                                             {Activation::tanh, "tanh"},
                                             {Activation::relu, "relu"}};
constexpr Name<Scoring> kScorings[] = {{Scoring::none, "none"},
                                       {Scoring::additive, "additive"},
                                       {Scoring::dot, "dot"},
                                       {Scoring::general, "general"}};
constexpr Name<ConditionKind> kConditions[] = {{ConditionKind::label, "label"},
                                               {ConditionKind::key, "key"},
                                               {ConditionKind::density, "density"},
                                               {ConditionKind::tempo, "tempo"},
                                               {ConditionKind::histogram, "histogram"}};
constexpr Name<Reading> kReadings[] = {{Reading::forward, "forward"}, {Reading::both, "both"}};
constexpr Name<Pooling> kPoolings[] = {
    {Pooling::last, "last"}, {Pooling::mean, "mean"}, {Pooling::step, "step"}};
constexpr Name<WordLoss> kWordLosses[] = {{WordLoss::sigmoid, "sigmoid"},
                                          {WordLoss::squared, "squared"}};
constexpr Name<Aim> kAims[] = {{Aim::words, "words"}, {Aim::features, "features"}};
constexpr Name<OptimizerKind> kOptimizers[] = {{OptimizerKind::sgd, "sgd"},
                                               {OptimizerKind::momentum, "momentum"},
                                               {OptimizerKind::rmsprop, "rmsprop"},
                                               {OptimizerKind::adam, "adam"},
                                               {OptimizerKind::adamw, "adamw"}};
constexpr Name<ScheduleKind> kSchedules[] = {{ScheduleKind::constant, "constant"},
                                             {ScheduleKind::exponential, "exponential"},
                                             {ScheduleKind::cosine, "cosine"},
                                             {ScheduleKind::plateau, "plateau"}};

template <typename Kind, std::size_t Count>
std::string_view find_name(const Name<Kind> (&table)[Count], Kind kind) {
  for (const auto& row : table) {
    if (row.kind == kind) return row.name;
  }
  throw ArgumentError("value outside its enumeration");
}

template <typename Kind, std::size_t Count>
Kind find_kind(const Name<Kind> (&table)[Count], std::string_view what, std::string_view name) {
  std::string known;
  for (const auto& row : table) {
    if (row.name == name) return row.kind;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw ArgumentError(message("unknown ", what, " '", name, "', expected one of ", known));
}

}  // namespace

std::string_view name_of(Head head) { return find_name(kHeads, head); }
std::string_view name_of(Activation activation) { return find_name(kActivations, activation); }
std::string_view name_of(Scoring scoring) { return find_name(kScorings, scoring); }
std::string_view name_of(ConditionKind kind) { return find_name(kConditions, kind); }
std::string_view name_of(Reading reading) { return find_name(kReadings, reading); }
std::string_view name_of(Pooling pooling) { return find_name(kPoolings, pooling); }
std::string_view name_of(WordLoss loss) { return find_name(kWordLosses, loss); }
std::string_view name_of(Aim aim) { return find_name(kAims, aim); }
std::string_view name_of(OptimizerKind kind) { return find_name(kOptimizers, kind); }
std::string_view name_of(ScheduleKind kind) { return find_name(kSchedules, kind); }

Head parse_head(std::string_view name) { return find_kind(kHeads, "head", name); }
Activation parse_activation(std::string_view name) {
  return find_kind(kActivations, "activation", name);
}
Scoring parse_scoring(std::string_view name) { return find_kind(kScorings, "attention", name); }
ConditionKind parse_condition(std::string_view name) {
  return find_kind(kConditions, "condition", name);
}
Reading parse_reading(std::string_view name) { return find_kind(kReadings, "reading", name); }
Pooling parse_pooling(std::string_view name) { return find_kind(kPoolings, "pooling", name); }
WordLoss parse_word_loss(std::string_view name) {
  return find_kind(kWordLosses, "word loss", name);
}
Aim parse_aim(std::string_view name) { return find_kind(kAims, "aim", name); }
OptimizerKind parse_optimizer(std::string_view name) {
  return find_kind(kOptimizers, "optimizer", name);
}
ScheduleKind parse_schedule(std::string_view name) {
  return find_kind(kSchedules, "schedule", name);
}

}  // namespace cadenza
