// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cadenza::micro {

void bench_info();          ///< device, limits, clocks
void bench_exchange();      ///< 1: a round of all-to-all inside a cluster
void bench_cluster_copy();  ///< 2: bandwidth between the blocks of a cluster
void bench_wgmma();         ///< 3: cycles of warpgroup products
void bench_clusters();      ///< 4: clusters that run together
void bench_l2_exchange();   ///< 5: a round of all-to-all through L2
void bench_ingress();       ///< 6: bytes that arrive when all read the same
void bench_functions();     ///< 7: rate and error of the approximate functions
void bench_launches();      ///< 8: what a kernel costs in a graph and in a stream
void bench_cudnn();         ///< 9: cuDNN's recurrent algorithms
void bench_copy();          ///< device memory bandwidth

}  // namespace cadenza::micro
