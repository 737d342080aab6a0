// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cudnn.h>

#include <cstddef>
#include <string>
#include <vector>

// How the stand-in of cuDNN behaves where cuDNN is free to do what it likes:
// * the weight space has gaps, biases before matrices and no order that one would guess; a gap that
//   is not zero is misuse;
// * workspaces are filled with rubbish, the reserve knows what it was made from: other weights, a
//   changed or used-up reserve or calls out of order are misuse;
// * arrays start at multiples of 16 bytes, the reserve of 256;
// * dx beyond the lengths is not written, x and dy there are not read;
// * algorithms refuse shapes at the first pass, SMALL_H at the first backward pass above 128;
// * a row of length 0 fails in a backward pass, and a batch of them in forward.
// Misuse gives NaN in every output and a complaint.

namespace cadenza::cudnn_stand_in {

/// What was misused since the last call, a line each.
std::vector<std::string> take_complaints();
void complain(const std::string& what);

/// What cudnnGetVersion() says while this lives.
class Version {
 public:
  explicit Version(std::size_t version);
  ~Version();
  Version(const Version&) = delete;
  Version& operator=(const Version&) = delete;
};

/// The algorithm refuses every shape while this lives.
class Refusal {
 public:
  explicit Refusal(cudnnRNNAlgo_t algorithm);
  ~Refusal();
  Refusal(const Refusal&) = delete;
  Refusal& operator=(const Refusal&) = delete;

 private:
  cudnnRNNAlgo_t algorithm_;
};

}  // namespace cadenza::cudnn_stand_in
