// SPDX-License-Identifier: Apache-2.0
#include "tools/train/stop_signal.h"

#include <csignal>

namespace cadenza::tools {
namespace {

volatile std::sig_atomic_t g_stop = 0;

extern "C" void note_stop(int /*signal*/) { g_stop = 1; }

}  // namespace

void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = note_stop;
  sigemptyset(&action.sa_mask);
  // Reset on delivery, so that the second signal has its usual effect.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool stop_requested() { return g_stop != 0; }

}  // namespace cadenza::tools
