// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/native/plain_model.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace cadenza::bench {
namespace {

/// Elements for which threads are worth waking.
constexpr std::int64_t kGrain = 1 << 14;

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

/// Uniform in [0, 1): the finaliser of splitmix64 over a row's place.
float uniform(std::uint64_t step, std::int64_t row) {
  std::uint64_t x = (step << 20U) + static_cast<std::uint64_t>(row) + 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return static_cast<float>((x ^ (x >> 31U)) >> 40U) * 0x1p-24F;
}

float greatest_of(const float* row, std::int64_t count) {
  float greatest = row[0];
#pragma omp simd reduction(max : greatest)
  for (std::int64_t j = 0; j < count; ++j) greatest = std::max(greatest, row[j]);
  return greatest;
}

std::int64_t rows_of(const std::vector<std::int32_t>& ids) {
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace

PlainParameters::PlainParameters(const RecordModel& model)
    : h_(model.hidden), v_(model.vocabulary), layers_(model.layers) {
  const std::int64_t matrices = layers_ * 4 * h_ * h_;
  values_.resize(static_cast<std::size_t>(2 * v_ * h_ + v_ + 2 * matrices + layers_ * 4 * h_));
  w_ = values_.data() + v_ * h_;
  r_ = w_ + matrices;
  b_ = r_ + matrices;
}

void PlainParameters::initialize() {
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> weight(-0.05F, 0.05F);
  for (float& value : values_) value = weight(generator);
}

void PlainParameters::clear() { std::fill(values_.begin(), values_.end(), 0.0F); }

PlainBatch::PlainBatch(const RecordModel& model, const SequenceShape& shape) {
  for (std::int64_t i = 0; i < shape.steps * shape.batch; ++i) {
    const auto id = static_cast<std::int32_t>(i * 7919 % model.vocabulary);
    input.push_back(id);
    target.push_back(static_cast<std::int32_t>(model.vocabulary) - 1 - id);
  }
}

void gather(const std::vector<std::int32_t>& ids, const float* table, std::int64_t width,
            float* to) {
#pragma omp parallel for if (rows_of(ids) * width > kGrain)
  for (std::int64_t n = 0; n < rows_of(ids); ++n) {
    std::copy_n(table + ids[static_cast<std::size_t>(n)] * width, width, to + n * width);
  }
}

void scatter_add(const std::vector<std::int32_t>& ids, const float* rows, std::int64_t width,
                 float* table) {
  for (std::int64_t n = 0; n < rows_of(ids); ++n) {
    float* const to = table + ids[static_cast<std::size_t>(n)] * width;
    for (std::int64_t i = 0; i < width; ++i) to[i] += rows[n * width + i];
  }
}

void broadcast(const float* row, std::int64_t n, std::int64_t width, float* to) {
#pragma omp parallel for if (n * width > kGrain)
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(row, width, to + i * width);
}

void add_column_sums(const float* rows, std::int64_t n, std::int64_t width, float* sum) {
  constexpr std::int64_t kColumns = 256;
#pragma omp parallel for if (n * width > kGrain)
  for (std::int64_t begin = 0; begin < width; begin += kColumns) {
    const std::int64_t end = std::min(begin + kColumns, width);
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = begin; j < end; ++j) sum[j] += rows[i * width + j];
    }
  }
}

void lstm_forward_step(PlainRows rows, float* gates, const float* c_before, float* c, float* h,
                       std::int64_t stride) {
  const auto [batch, hidden] = rows;
#pragma omp parallel for if (batch * hidden > kGrain)
  for (std::int64_t n = 0; n < batch; ++n) {
    float* const gate = gates + n * 4 * hidden;
#pragma omp simd
    for (std::int64_t j = 0; j < hidden; ++j) {
      const float i = sigmoid(gate[j]);
      const float f = sigmoid(gate[hidden + j]);
      const float g = std::tanh(gate[2 * hidden + j]);
      const float o = sigmoid(gate[3 * hidden + j]);
      const float cell = f * c_before[n * hidden + j] + i * g;
      gate[j] = i;
      gate[hidden + j] = f;
      gate[2 * hidden + j] = g;
      gate[3 * hidden + j] = o;
      c[n * hidden + j] = cell;
      h[n * stride + j] = o * std::tanh(cell);
    }
  }
}

void lstm_backward_step(PlainRows rows, float* gates, const float* c_before, const float* c,
                        const float* dh, float* dc) {
  const auto [batch, hidden] = rows;
#pragma omp parallel for if (batch * hidden > kGrain)
  for (std::int64_t n = 0; n < batch; ++n) {
    float* const gate = gates + n * 4 * hidden;
#pragma omp simd
    for (std::int64_t j = 0; j < hidden; ++j) {
      const std::int64_t at = n * hidden + j;
      const float i = gate[j];
      const float f = gate[hidden + j];
      const float g = gate[2 * hidden + j];
      const float o = gate[3 * hidden + j];
      const float t = std::tanh(c[at]);
      const float cell = dc[at] + dh[at] * o * (1.0F - t * t);
      gate[j] = cell * g * i * (1.0F - i);
      gate[hidden + j] = cell * c_before[at] * f * (1.0F - f);
      gate[2 * hidden + j] = cell * i * (1.0F - g * g);
      gate[3 * hidden + j] = dh[at] * t * o * (1.0F - o);
      dc[at] = cell * f;
    }
  }
}

void draw(float* logits, std::int64_t vocabulary, std::uint64_t step,
          std::vector<std::int32_t>& tokens) {
  constexpr float kInverseTemperature = 1.0F / 0.9F;
#pragma omp parallel for if (rows_of(tokens) * vocabulary > kGrain)
  for (std::int64_t n = 0; n < rows_of(tokens); ++n) {
    float* const row = logits + n * vocabulary;
    const float greatest = greatest_of(row, vocabulary);
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t j = 0; j < vocabulary; ++j) {
      row[j] = std::exp((row[j] - greatest) * kInverseTemperature);
      sum += row[j];
    }
    float left = uniform(step, n) * sum;
    std::int32_t token = 0;
    while (token < vocabulary - 1 && (left -= row[token]) >= 0.0F) ++token;
    tokens[static_cast<std::size_t>(n)] = token;
  }
}

double cross_entropy(float* logits, std::int64_t vocabulary,
                     const std::vector<std::int32_t>& targets) {
  const std::int64_t count = rows_of(targets);
  const float share = 1.0F / static_cast<float>(count);
  double loss = 0.0;
#pragma omp parallel for reduction(+ : loss) if (count * vocabulary > kGrain)
  for (std::int64_t n = 0; n < count; ++n) {
    float* const row = logits + n * vocabulary;
    const std::int32_t target = targets[static_cast<std::size_t>(n)];
    const float greatest = greatest_of(row, vocabulary);
    const float hit = row[target] - greatest;
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t j = 0; j < vocabulary; ++j) {
      row[j] = std::exp(row[j] - greatest);
      sum += row[j];
    }
    loss += static_cast<double>(std::log(sum) - hit);
    const float scale = share / sum;
    for (std::int64_t j = 0; j < vocabulary; ++j) row[j] *= scale;
    row[target] -= share;
  }
  return loss / static_cast<double>(count);
}

void PlainAdam::step(std::vector<float>& values, const std::vector<float>& gradients) {
  constexpr float kRate = 1e-5F;
  constexpr float kBeta1 = 0.9F;
  constexpr float kBeta2 = 0.999F;
  constexpr float kEpsilon = 1e-8F;
  const auto count = static_cast<std::int64_t>(values.size());
  float* const value = values.data();
  const float* const gradient = gradients.data();
  float* const m = m_.data();
  float* const v = v_.data();
  float squares = 0.0F;
#pragma omp parallel for simd reduction(+ : squares)
  for (std::int64_t i = 0; i < count; ++i) squares += gradient[i] * gradient[i];
  const float clip = std::min(1.0F, 1.0F / std::sqrt(squares));
  ++steps_;
  const float rate = kRate / (1.0F - std::pow(kBeta1, static_cast<float>(steps_)));
  const float root = 1.0F / std::sqrt(1.0F - std::pow(kBeta2, static_cast<float>(steps_)));
#pragma omp parallel for simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = clip * gradient[i];
    m[i] = kBeta1 * m[i] + (1.0F - kBeta1) * g;
    v[i] = kBeta2 * v[i] + (1.0F - kBeta2) * g * g;
    value[i] -= rate * m[i] / (std::sqrt(v[i]) * root + kEpsilon);
  }
}

}  // namespace cadenza::bench
