# SPDX-License-Identifier: Apache-2.0
"""What cpu_generation.py and cpu_training.py share: peers, how they and the project's own benchmarks are
run on the same cores in turns, and the table that comes of it."""
import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys

import bars

HERE = pathlib.Path(__file__).parent
LONGEST = 600  # seconds of one run
LIMITS = ["limit by multiply-adds", "limit by reading"]


@dataclasses.dataclass
class Peer:
    """A peer in one precision; its command takes the options of peer.py and prints rows in that form."""
    name: str
    command: list
    precision: str = "fp32"
    ready_made: bool = True  # counts as the best peer, where a loop that one must write does not

    @property
    def column(self):
        return f"{self.name} {self.precision}"


def script(name, *more):
    return [sys.executable, str(HERE / name), *more]


def program(bench, name):
    """Of bench/peers/native, built beside the project's own benchmark `bench`."""
    return [str(pathlib.Path(bench).parent / "peers" / "native" / name)]


def options_of(description, program_name):
    parser = argparse.ArgumentParser(description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help=f"the executable {program_name}")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--svg", type=pathlib.Path, help="draw the table into this file too")
    return parser


def parse(parser):
    """The options, with `cores`: so many of those that this process may use."""
    args = parser.parse_args()
    available = sorted(os.sched_getaffinity(0))
    if not 1 <= args.threads <= len(available):
        parser.error(f"--threads is {args.threads}, expected 1 to {len(available)}")
    args.cores = set(available[:args.threads])
    os.environ["CADENZA_BENCH_CLOCK"] = args.clock
    return args


def lines_of(command, cores):
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    return done.stdout


def own_run(bench, case, cores):
    """Counters of a case of a benchmark of this project; nothing where it has no such case."""
    text = lines_of([bench, f"--benchmark_filter=^{case}", "--benchmark_format=json"], cores)
    runs = [run for run in json.loads(text)["benchmarks"] if "median_us" in run] if text else []
    return runs[0] if runs else None


def rows_of(peer, arguments, cores):
    """What a peer prints."""
    command = [*peer.command, "--device", "cpu", "--threads", str(len(cores)), "--precision",
               peer.precision, *arguments]
    return [json.loads(line) for line in lines_of(command, cores).splitlines()]


def peer_step(peer, bench, arguments, cores):
    """Microseconds of a step of the fastest of a peer's ways, or nothing; what failed is said."""
    try:
        rows = rows_of(peer, ["--bench", bench, "--seconds", str(LONGEST / 2), *arguments], cores)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"{peer.column}: {error}", file=sys.stderr)
        return None
    for row in rows:
        if row["status"] != "ok":
            print(f"{peer.column} {row['case']}: {row['status']}", file=sys.stderr)
    return min((row["value"] for row in rows if row["status"] == "ok"), default=None)


def why_absent(peer, cores):
    """Nothing where a peer can be run, else why it cannot."""
    if not os.access(peer.command[0], os.X_OK):
        return f"{peer.command[0]} was not built"
    try:
        rows = rows_of(peer, ["--bench", "nothing"], cores)
    except subprocess.CalledProcessError as error:
        return (error.stderr.strip().splitlines() or [str(error)])[-1]
    said = [row["status"] for row in rows if row["bench"] == "peer"]
    return said[0] if said else None


def present(peers, cores):
    """Those that are there; the others are told."""
    there = []
    for peer in peers:
        reason = why_absent(peer, cores)
        if reason is None:
            there.append(peer)
        else:
            print(f"Left out: {peer.column} ({reason}).\n")
    return there


class Rates:
    """Tokens per second by column, as rounds in turns give them."""

    def __init__(self):
        self.rounds = {}

    def add(self, column, tokens, micro):
        """Nothing is added where there is no time."""
        if micro:
            self.rounds.setdefault(column, []).append(1e6 * tokens / micro)

    def add_limits(self, tokens, run):
        for column, counter in zip(LIMITS, ("floor_us", "read_floor_us")):
            self.add(column, tokens, run.get(counter))

    def medians(self):
        return {column: statistics.median(values) for column, values in self.rounds.items()}


def best_of(rate, peers, precision):
    """The fastest ready-made peer of a precision."""
    return max((rate[peer.column] for peer in peers
                if peer.ready_made and peer.precision == precision and peer.column in rate), default=None)


class Table:
    """Rows of rates as Markdown while they come, and all of them as an SVG. `own` tells the precision of the
    peers that an own column is held against."""

    def __init__(self, case, own, peers):
        self.own, self.peers = own, peers
        self.columns = [*LIMITS, *own, *(peer.column for peer in peers)]
        self.cases, self.series = [], {column: [] for column in self.columns}
        print(f"| {case} | " + " | ".join(self.columns) + " |\n| --- |" + " --- |" * len(self.columns))

    def cells(self, rate):
        for column in self.columns:
            if column not in rate:
                yield "-"
                continue
            best = best_of(rate, self.peers, self.own[column]) if column in self.own else None
            yield f"{rate[column]:,.0f}" + (f" ({rate[column] / best:.2f})" if best else "")

    def add(self, case, rate):
        self.cases.append(case)
        for column in self.columns:
            self.series[column].append(rate.get(column))
        print(f"| {case} | " + " | ".join(self.cells(rate)) + " |", flush=True)

    def draw(self, path, title):
        if path:
            bars.write_svg(path, title, "tokens/s", self.cases, self.series)
