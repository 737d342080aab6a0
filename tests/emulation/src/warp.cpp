// SPDX-License-Identifier: Apache-2.0
// Warp functions: the lanes of a mask meet, leave their values and take the result. They order no
// memory, except __syncwarp.
#include <bit>
#include <cstdio>
#include <cstring>

#include "emulation/config.h"
#include "meeting.h"

namespace cadenza::emulation {
namespace {

const char* name_of(WarpFunction function) {
  switch (function) {
    case WarpFunction::kShuffle:
      return "a shuffle";
    case WarpFunction::kVote:
      return "a vote";
    case WarpFunction::kMatch:
      return "a match";
    case WarpFunction::kReduce:
      return "a warp reduction";
    case WarpFunction::kSync:
      return "__syncwarp";
    case WarpFunction::kLoadMatrix:
      return "ldmatrix";
    case WarpFunction::kMultiply:
      return "mma";
  }
  return "";
}

bool needs_all_lanes(WarpFunction function) {
  return function == WarpFunction::kLoadMatrix || function == WarpFunction::kMultiply;
}

std::string hex(std::uint32_t mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

std::string call(WarpFunction function, std::uint32_t mask, Location at) {
  return std::string(name_of(function)) + " with mask " + hex(mask) + " at " + to_string(at);
}

[[noreturn]] void fail_call(const char* what, WarpFunction function, std::uint32_t mask,
                            Location at) {
  fail_grid(std::string(what) + ": " + emulation::name_of(*running) + " (lane " +
            std::to_string(running->lane) + ") calls " + call(function, mask, at));
}

bool same(Location a, Location b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

/// The meeting that the running lane's call belongs to, if another lane has begun it. A meeting that
/// waits for this lane, with lanes that this call would wait for, must be of the same call.
Meeting* find_open(Warp& warp, WarpFunction function, std::uint32_t mask, Location at) {
  for (Meeting* meeting : warp.open) {
    const bool waits_for_caller = (meeting->mask & 1U << running->lane) != 0;
    if (!waits_for_caller || (meeting->arrived & mask) == 0) continue;
    const bool same_call = meeting->mask == mask && meeting->function == function;
    if (!same_call || (function != WarpFunction::kSync && !same(meeting->site, at))) {
      fail_grid(std::string(same_call ? "divergent warp function" : "warp mask mismatch") + ": " +
                emulation::name_of(*running) + " (lane " + std::to_string(running->lane) +
                ") calls " + call(function, mask, at) + " while lanes " + hex(meeting->arrived) +
                " wait in " + call(meeting->function, meeting->mask, meeting->site));
    }
    return meeting;
  }
  return nullptr;
}

Meeting* begin(Warp& warp, WarpFunction function, std::uint32_t mask, Location at) {
  if (warp.idle.empty()) {
    warp.meetings.push_back(std::make_unique<Meeting>());
    warp.idle.reserve(warp.meetings.size());
    warp.idle.push_back(warp.meetings.back().get());
  }
  Meeting* meeting = warp.idle.back();
  warp.idle.pop_back();
  meeting->function = function;
  meeting->mask = mask;
  meeting->arrived = 0;
  meeting->site = at;
  warp.open.push_back(meeting);
  return meeting;
}

/// All have arrived: closes the meeting and wakes everybody but the running thread.
void finish(Warp& warp, Meeting& meeting) {
  meeting.readers = static_cast<unsigned>(std::popcount(meeting.arrived));
  ++statistics().collectives;
  std::erase(warp.open, &meeting);
  std::uint32_t others = meeting.arrived;
  if (running->warp == &warp) others &= ~(1U << running->lane);
  const bool reverse = config().order == Order::kReverse;
  while (others != 0) {
    const int lane = reverse ? 31 - std::countl_zero(others) : std::countr_zero(others);
    others &= ~(1U << lane);
    wake(warp.lanes[static_cast<std::size_t>(lane)]);
  }
}

}  // namespace

Meeting& arrive(WarpFunction function, std::uint32_t mask, Location at) {
  Warp& warp = *running->warp;
  const std::uint32_t self = 1U << running->lane;
  if ((mask & self) == 0) fail_call("warp mask without the caller's lane", function, mask, at);
  if (needs_all_lanes(function) && warp.live != ~0U) {
    fail_call("warp function that needs all 32 lanes", function, mask, at);
  }
  Meeting* meeting = find_open(warp, function, mask, at);
  if (meeting == nullptr) meeting = begin(warp, function, mask, at);
  meeting->arrived |= self;
  return *meeting;
}

bool is_complete(const Meeting& meeting) {
  return (meeting.mask & running->warp->live) == meeting.arrived;
}

void meet(Meeting& meeting, Location at) {
  if (is_complete(meeting)) {
    finish(*running->warp, meeting);
  } else {
    wait_until_woken(name_of(meeting.function), at);
  }
}

void end_reading(Meeting& meeting) {
  if (--meeting.readers == 0) running->warp->idle.push_back(&meeting);
}

void leave_warp(Thread* thread) {
  Warp& warp = *thread->warp;
  const std::uint32_t self = 1U << thread->lane;
  warp.live &= ~self;
  for (std::size_t i = 0; i < warp.open.size();) {
    Meeting& meeting = *warp.open[i];
    const bool named = (meeting.mask & self) != 0;
    if (named && needs_all_lanes(meeting.function)) {
      fail_grid("lane exits while its warp waits in " +
                call(meeting.function, meeting.mask, meeting.site) + ", " +
                emulation::name_of(*thread));
    }
    if (named && (meeting.mask & warp.live) == meeting.arrived) {
      finish(warp, meeting);  // removes it from the list
    } else {
      ++i;
    }
  }
}

unsigned lane() { return running->lane; }

void warp_sync(std::uint32_t mask, Location at) {
  const Unobserved unobserved;
  Warp& warp = *running->warp;
  const unsigned lane = running->lane;
  const unsigned parity = running->warp_parity;
  running->warp_parity ^= 1;
  release(&warp.order[parity][lane]);
  Meeting& meeting = arrive(WarpFunction::kSync, mask, at);
  meeting.values[lane] = parity;
  meet(meeting, at);
  if (kFindsRaces) {
    for (unsigned other = 0; other < kLanes; ++other) {
      if ((meeting.arrived >> other & 1) != 0) acquire(&warp.order[meeting.values[other]][other]);
    }
  }
  end_reading(meeting);
}

std::uint64_t warp_shuffle(std::uint64_t value, unsigned source, std::uint32_t mask, Location at) {
  const Unobserved unobserved;
  Meeting& meeting = arrive(WarpFunction::kShuffle, mask, at);
  meeting.values[running->lane] = value;
  meet(meeting, at);
  const bool took_part = source < kLanes && (meeting.arrived >> source & 1) != 0;
  const std::uint64_t result = took_part ? meeting.values[source] : ~std::uint64_t{0};
  end_reading(meeting);
  return result;
}

std::uint32_t warp_ballot(bool vote, std::uint32_t mask, Location at) {
  const Unobserved unobserved;
  Meeting& meeting = arrive(WarpFunction::kVote, mask, at);
  if (std::has_single_bit(meeting.arrived)) meeting.combined = 0;
  meeting.combined |= (vote ? 1U : 0U) << running->lane;
  meet(meeting, at);
  const std::uint32_t result = meeting.combined;
  end_reading(meeting);
  return result;
}

std::uint32_t warp_match(std::uint64_t value, std::uint32_t mask, Location at) {
  const Unobserved unobserved;
  Meeting& meeting = arrive(WarpFunction::kMatch, mask, at);
  meeting.values[running->lane] = value;
  meet(meeting, at);
  std::uint32_t result = 0;
  for (unsigned other = 0; other < kLanes; ++other) {
    const bool equal = (meeting.arrived >> other & 1) != 0 && meeting.values[other] == value;
    result |= (equal ? 1U : 0U) << other;
  }
  end_reading(meeting);
  return result;
}

namespace {

std::uint32_t combine(Reduction kind, std::uint32_t a, std::uint32_t b) {
  const auto sa = static_cast<std::int32_t>(a);
  const auto sb = static_cast<std::int32_t>(b);
  switch (kind) {
    case Reduction::kAdd:
      return a + b;
    case Reduction::kMin:
      return b < a ? b : a;
    case Reduction::kMax:
      return a < b ? b : a;
    case Reduction::kMinSigned:
      return sb < sa ? b : a;
    case Reduction::kMaxSigned:
      return sa < sb ? b : a;
    case Reduction::kAnd:
      return a & b;
    case Reduction::kOr:
      return a | b;
    case Reduction::kXor:
      break;
  }
  return a ^ b;
}

}  // namespace

std::uint32_t warp_reduce(std::uint32_t value, Reduction kind, std::uint32_t mask, Location at) {
  const Unobserved unobserved;
  Meeting& meeting = arrive(WarpFunction::kReduce, mask, at);
  const bool first = std::has_single_bit(meeting.arrived);
  meeting.combined = first ? value : combine(kind, meeting.combined, value);
  meet(meeting, at);
  const std::uint32_t result = meeting.combined;
  end_reading(meeting);
  return result;
}

}  // namespace cadenza::emulation
