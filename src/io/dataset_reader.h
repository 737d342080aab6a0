// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/dataset.h"
#include "cadenza/safetensors.h"

namespace cadenza {

/// load_dataset of a file that has been opened.
Dataset read_dataset(const SafetensorsReader& file);

}  // namespace cadenza
