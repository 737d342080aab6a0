// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace cadenza::cpu {

/// Uninitialised memory for the length of an operation: a stack of 64-byte aligned arrays that is
/// kept for the next one.
class Scratch {
 public:
  /// Everything taken while it lives is given back when it dies.
  class Frame {
   public:
    explicit Frame(Scratch& scratch)
        : scratch_(scratch), block_(scratch.block_), used_(scratch.used_) {}
    ~Frame() {
      scratch_.block_ = block_;
      scratch_.used_ = used_;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

    float* floats(std::int64_t count) const { return take<float>(count); }
    template <typename T>
    T* take(std::int64_t count) const {
      return static_cast<T*>(scratch_.take(static_cast<std::size_t>(count) * sizeof(T)));
    }

   private:
    Scratch& scratch_;
    std::size_t block_, used_;
  };

 private:
  static constexpr std::size_t kAlignment = 64;

  struct Free {
    void operator()(void* data) const { ::operator delete (data, std::align_val_t{kAlignment}); }
  };
  struct Block {
    std::unique_ptr<void, Free> data;
    std::size_t bytes = 0;
  };

  void* take(std::size_t bytes) {
    bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].bytes) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) {
      Block block{std::unique_ptr<void, Free>(::operator new (bytes, std::align_val_t{kAlignment})),
                  bytes};
      blocks_.push_back(std::move(block));
    }
    used_ += bytes;
    return static_cast<std::byte*>(blocks_[block_].data.get()) + (used_ - bytes);
  }

  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // index of the block in use
  std::size_t used_ = 0;   // bytes of it
};

}  // namespace cadenza::cpu
