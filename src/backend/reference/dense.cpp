// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference/loops.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/random.h"
#include "cadenza/view.h"

namespace cadenza {
namespace {

using reference::with_real;

/// The matrix, or its transpose, with contiguous rows.
template <typename Real>
std::vector<Real> rows_of(const TensorView& matrix, Transpose transpose) {
  const View<const Real, 2> from(matrix);
  const std::int64_t rows = from.extent(0);
  const std::int64_t columns = from.extent(1);
  if (transpose == Transpose::no) return {from.data(), from.data() + rows * columns};
  std::vector<Real> result(static_cast<std::size_t>(rows * columns));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      result[static_cast<std::size_t>(c * rows + r)] = from(r, c);
    }
  }
  return result;
}

template <typename Real>
void multiply(const MatmulArgs& args) {
  const std::vector<Real> a = rows_of<Real>(args.a, args.transpose_a);
  const std::vector<Real> b =
      rows_of<Real>(args.b, args.transpose_b == Transpose::yes ? Transpose::no : Transpose::yes);
  const View<const Real, 1> bias(args.bias);
  const View<Real, 2> c(args.c);
  const std::int64_t inner = args.a.shape[args.transpose_a == Transpose::yes ? 0 : 1];
  for (std::int64_t m = 0; m < c.extent(0); ++m) {
    for (std::int64_t n = 0; n < c.extent(1); ++n) {
      double sum = reference::dot(a.data() + m * inner, b.data() + n * inner, inner);
      if (bias) sum += static_cast<double>(bias(n));
      if (args.accumulate == Accumulate::add) sum += static_cast<double>(c(m, n));
      c(m, n) = static_cast<Real>(sum);
    }
  }
}

double activate(Activation kind, double x) {
  switch (kind) {
    case Activation::identity:
      return x;
    case Activation::sigmoid:
      return reference::sigmoid(x);
    case Activation::tanh:
      return std::tanh(x);
    case Activation::relu:
      return x < 0.0 ? 0.0 : x;
  }
  return x;
}

/// The derivative where the output is `y`.
double slope(Activation kind, double y) {
  switch (kind) {
    case Activation::identity:
      return 1.0;
    case Activation::sigmoid:
      return y * (1.0 - y);
    case Activation::tanh:
      return 1.0 - y * y;
    case Activation::relu:
      return y > 0.0 ? 1.0 : 0.0;
  }
  return 1.0;
}

}  // namespace

void ReferenceBackend::do_matmul(const MatmulArgs& args) {
  with_real(args.a.dtype, [&](auto zero) { multiply<decltype(zero)>(args); });
}

void ReferenceBackend::do_add(const TensorView& x, const TensorView& y, double alpha) {
  with_real(x.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const Real* from = x.as<Real>();
    Real* to = y.as<Real>();
    for (std::int64_t i = 0; i < x.count(); ++i) {
      to[i] = static_cast<Real>(static_cast<double>(to[i]) + alpha * static_cast<double>(from[i]));
    }
  });
}

void ReferenceBackend::do_add_column_sums(const TensorView& x, const TensorView& y) {
  with_real(x.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const std::int64_t columns = x.shape[1];
    std::vector<double> sums(static_cast<std::size_t>(columns));
    for (std::int64_t row = 0; row < x.shape[0]; ++row) {
      reference::add_multiple(1.0, x.as<Real>() + row * columns, sums.data(), columns);
    }
    reference::add_to(sums.data(), y.as<Real>(), columns);
  });
}

void ReferenceBackend::do_scale_rows(const TensorView& x, const TensorView& factors) {
  with_real(x.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const View<Real, 2> rows(x);
    const View<const Real, 1> factor(factors);
    for (std::int64_t n = 0; n < rows.extent(0); ++n) {
      for (std::int64_t m = 0; m < rows.extent(1); ++m) rows(n, m) *= factor(n);
    }
  });
}

void ReferenceBackend::do_copy_columns(const CopyColumnsArgs& args) {
  with_real(args.x.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const View<const Real, 2> x(args.x);
    const View<Real, 2> y(args.y);
    for (std::int64_t n = 0; n < x.extent(0); ++n) {
      std::copy_n(&x(n, args.x_begin), args.count, &y(n, args.y_begin));
    }
  });
}

void ReferenceBackend::do_activation(const ActivationArgs& args) {
  with_real(args.x.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const Real* x = args.x.as<Real>();
    Real* y = args.y.as<Real>();
    for (std::int64_t i = 0; i < args.x.count(); ++i) {
      y[i] = static_cast<Real>(activate(args.kind, static_cast<double>(x[i])));
    }
  });
}

void ReferenceBackend::do_activation_backward(const ActivationBackwardArgs& args) {
  with_real(args.y.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const Real* y = args.y.as<Real>();
    const Real* dy = args.dy.as<Real>();
    Real* dx = args.dx.as<Real>();
    for (std::int64_t i = 0; i < args.y.count(); ++i) {
      dx[i] = static_cast<Real>(static_cast<double>(dy[i]) *
                                slope(args.kind, static_cast<double>(y[i])));
    }
  });
}

void ReferenceBackend::do_dropout(const DropoutArgs& args) {
  constexpr std::int64_t kItems = std::int64_t{1} << 26;
  with_real(args.x.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const Real* x = args.x.as<Real>();
    Real* y = args.y.as<Real>();
    for (std::int64_t e = 0; e < args.x.count(); ++e) {
      const RandomAddress address{RandomPurpose::dropout,
                                  args.stream << 32 | static_cast<std::uint64_t>(e / kItems),
                                  args.step, static_cast<std::uint32_t>(e % kItems)};
      const bool kept = uniform_double(random_bits(args.seed, address)) >= args.rate;
      y[e] = kept ? static_cast<Real>(static_cast<double>(x[e]) / (1.0 - args.rate)) : Real{0};
    }
  });
}

void ReferenceBackend::do_embedding(const EmbeddingArgs& args) {
  with_real(args.table.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const View<const std::int32_t, 1> ids(args.ids);
    const std::int64_t width = args.table.shape[1];
    for (std::int64_t n = 0; n < ids.extent(0); ++n) {
      reference::check_id("embedding", ids(n), n, args.table.shape[0]);
      Real* row = args.y.as<Real>() + n * width;
      if (ids(n) < 0) {
        std::fill_n(row, width, Real{0});
      } else {
        std::copy_n(args.table.as<Real>() + ids(n) * width, width, row);
      }
    }
  });
}

void ReferenceBackend::do_embedding_backward(const EmbeddingBackwardArgs& args) {
  with_real(args.d_table.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const View<const std::int32_t, 1> ids(args.ids);
    const std::int64_t width = args.d_table.shape[1];
    std::vector<double> sums(static_cast<std::size_t>(args.d_table.count()));
    for (std::int64_t n = 0; n < ids.extent(0); ++n) {
      reference::check_id("embedding_backward", ids(n), n, args.d_table.shape[0]);
      if (ids(n) < 0) continue;
      reference::add_multiple(1.0, args.dy.as<Real>() + n * width, sums.data() + ids(n) * width,
                              width);
    }
    reference::add_to(sums.data(), args.d_table.as<Real>(), args.d_table.count());
  });
}

}  // namespace cadenza
