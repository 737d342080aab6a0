// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <new>

#include "backend/reference/loops.h"
#include "backend/reference/reference_backend.h"

namespace cadenza {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

void* ReferenceBackend::allocate(std::size_t bytes) {
  void* data = ::operator new(bytes, kAlignment);
  std::memset(data, 0, bytes);
  return data;
}

void ReferenceBackend::release(void* data) noexcept { ::operator delete(data, kAlignment); }

void ReferenceBackend::do_upload(std::span<const std::byte> from, const TensorView& to) {
  std::memcpy(to.data, from.data(), from.size());
}

void ReferenceBackend::do_download(const TensorView& from, std::span<std::byte> to) {
  std::memcpy(to.data(), from.data, to.size());
}

void ReferenceBackend::do_copy(const TensorView& from, const TensorView& to) {
  std::memcpy(to.data, from.data, from.bytes());
}

void ReferenceBackend::do_fill(const TensorView& to, double value) {
  if (to.dtype == DType::i32) {
    std::fill_n(to.as<std::int32_t>(), to.count(), static_cast<std::int32_t>(value));
    return;
  }
  reference::with_real(to.dtype, [&](auto zero) {
    using Real = decltype(zero);
    std::fill_n(to.as<Real>(), to.count(), static_cast<Real>(value));
  });
}

}  // namespace cadenza
