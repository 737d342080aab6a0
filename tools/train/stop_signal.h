// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cadenza::tools {

/// From here on the first SIGINT or SIGTERM only asks to stop; a second one ends the process.
void catch_stop_signals();
/// Whether one arrived.
bool stop_requested();

}  // namespace cadenza::tools
