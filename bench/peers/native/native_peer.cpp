// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/native/native_peer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "bench/host_clock.h"
#include "bench/quantile.h"

namespace cadenza::bench {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr int kSteps = 32;  // of generation, a sample

/// What follows each --name.
using Options = std::map<std::string, std::vector<std::string>>;

Options parse(int argc, const char* const* argv) {
  Options options = {{"--device", {"cpu"}},     {"--models", {"S", "M"}},
                     {"--threads", {"1"}},      {"--batches", {"1", "8", "32", "256", "1024"}},
                     {"--precision", {"fp32"}}, {"--shapes", {"32x64", "64x256"}},
                     {"--bench", {}},           {"--seconds", {"60"}}};
  std::vector<std::string>* values = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("--")) {
      const auto option = options.find(word);
      if (option == options.end()) throw std::invalid_argument("there is no option " + word);
      values = &option->second;
      values->clear();
    } else if (values == nullptr) {
      throw std::invalid_argument("expected an option, got " + word);
    } else {
      values->push_back(word);
    }
  }
  return options;
}

const std::string& only(const Options& options, const std::string& name) {
  const std::vector<std::string>& values = options.at(name);
  if (values.size() != 1) throw std::invalid_argument(name + " takes one value");
  return values.front();
}

const RecordModel& model_of(const std::string& name) {
  for (const RecordModel& model : kRecordModels) {
    if (model.name == name) return model;
  }
  throw std::invalid_argument("there is no model " + name);
}

SequenceShape shape_of(const std::string& text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string::npos) throw std::invalid_argument("expected BxT, got " + text);
  return {std::stoll(text.substr(0, cross)), std::stoll(text.substr(cross + 1))};
}

/// Sorted seconds of `timed`, called for a while after two calls to warm up, as peer.py does it.
std::vector<double> sample(const std::function<void()>& timed) {
  constexpr std::chrono::milliseconds kTime{150};
  for (int i = 0; i < 2; ++i) timed();
  std::vector<double> seconds;
  const Clock::time_point stop = Clock::now() + kTime;
  while (seconds.size() < 5 || (Clock::now() < stop && seconds.size() < 2000)) {
    const double begin = host_seconds();
    timed();
    seconds.push_back(host_seconds() - begin);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

/// Microseconds of one of `runs` runs that a sample is made of.
Json summary(const std::vector<double>& seconds, int runs) {
  const auto micro = [&](double fraction) { return 1e6 * quantile(seconds, fraction) / runs; };
  return {{"value", micro(0.5)}, {"p10", micro(0.1)}, {"p90", micro(0.9)}, {"unit", "us"}};
}

Json generate(const NativePeer& peer, const RecordModel& model, std::int64_t batch) {
  const std::unique_ptr<PeerGeneration> generation = peer.generation(model, batch);
  std::int64_t sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    generation->step();
    for (const std::int32_t token : generation->tokens()) {
      if (token < 0 || token >= model.vocabulary) throw std::range_error("a token is out of range");
      sum += token;
    }
  }
  const std::vector<double> seconds = sample([&] {
    for (int i = 0; i < kSteps; ++i) generation->step();
  });
  Json row = summary(seconds, kSteps);
  row["token_sum"] = sum;
  return row;
}

Json train(const NativePeer& peer, const RecordModel& model, const SequenceShape& shape) {
  const std::unique_ptr<PeerTraining> training = peer.training(model, shape);
  const double first = training->step();
  const double second = training->step();
  if (!std::isfinite(first + second)) throw std::range_error("a loss is not finite");
  Json row = summary(sample([&] { training->step(); }), 1);
  row["losses"] = {first, second};
  return row;
}

/// Prints the row of a case; a failing case stops nothing.
void report(const NativePeer& peer, const std::string& bench, Json place,
            const std::function<Json()>& run) {
  Json row = {{"bench", bench}, {"case", {{"backend", peer.name}, {"precision", "fp32"}}}};
  row["case"].update(place);
  try {
    row.update(run());
    row["status"] = "ok";
  } catch (const std::exception& error) {
    row["value"] = nullptr;
    row["status"] = std::string("failed: ") + error.what();
  }
  row["version"] = peer.version;
  std::cout << row.dump() << std::endl;
}

void run_cases(const NativePeer& peer, const Options& options) {
  const int threads = std::stoi(only(options, "--threads"));
  peer.use_threads(threads);
  const std::vector<std::string>& chosen = options.at("--bench");
  const auto wanted = [&](const std::string& bench) {
    return chosen.empty() || chosen.front() == bench;
  };
  const double limit = std::stod(only(options, "--seconds"));
  const Clock::time_point begin = Clock::now();
  const auto run = [&](const std::string& bench, const Json& place, const auto& measured) {
    report(peer, bench, place, [&]() -> Json {
      const std::chrono::duration<double> spent = Clock::now() - begin;
      if (spent.count() > limit) throw std::runtime_error("no time left");
      return measured();
    });
  };
  if (only(options, "--precision") != "fp32") return;
  for (const std::string& name : options.at("--models")) {
    const RecordModel& model = model_of(name);
    for (const std::string& text : options.at("--batches")) {
      if (!wanted("generate")) break;
      const std::int64_t batch = std::stoll(text);
      run("generate", {{"model", name}, {"B", batch}, {"threads", threads}},
          [&] { return generate(peer, model, batch); });
    }
    for (const std::string& text : options.at("--shapes")) {
      if (!wanted("training_step")) break;
      const SequenceShape shape = shape_of(text);
      run("training_step",
          {{"model", name}, {"B", shape.batch}, {"T", shape.steps}, {"threads", threads}},
          [&] { return train(peer, model, shape); });
    }
  }
}

}  // namespace

int run_peer(const NativePeer& peer, int argc, const char* const* argv) {
  try {
    run_cases(peer, parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << peer.name << ": " << error.what() << '\n';
    return 2;
  }
}

}  // namespace cadenza::bench
