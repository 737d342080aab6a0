// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>

#include "cadenza/model.h"

namespace cadenza {

/// Whether the discriminator of an adversarial model lets this turn pass: its last loss is below
/// `share` of the generator's. Both are numbers of objectives.
inline bool discriminator_rests(const Teacher& teacher, std::size_t generator,
                                std::size_t discriminator, double share) {
  const double made = teacher.last_loss(generator);
  return std::isfinite(made) && teacher.last_loss(discriminator) < share * made;
}

}  // namespace cadenza
