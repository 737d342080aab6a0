// SPDX-License-Identifier: Apache-2.0
#include "bench/micro/benchmarks.h"
#include "bench/micro/row.h"

namespace cadenza::micro {

void bench_cudnn() { Row("cudnn").skipped("built without cuDNN"); }

}  // namespace cadenza::micro
