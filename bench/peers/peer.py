# SPDX-License-Identifier: Apache-2.0
"""What the peer benchmarks share: shapes, options, timing and rows.

The shapes are those of bench/shapes.h. Every result is one line of JSON on stdout, in the form of
the project's own benchmarks: {"bench", "case", "value", "unit", "p10", "p90", "status"}, where
value is the median in microseconds.
"""
import argparse
import json
import math
import os
import sys
import time

MODELS = {
    "S": {"hidden": 256, "vocabulary": 128, "layers": 2},
    "M": {"hidden": 512, "vocabulary": 388, "layers": 3},
    "L": {"hidden": 1024, "vocabulary": 512, "layers": 2},
}
TINY_MODELS = {"S": {"hidden": 16, "vocabulary": 32, "layers": 2}}
SEQUENCE_SHAPES = [(64, 256), (256, 256), (32, 256), (32, 64)]
BATCHES = [1, 1024, 256, 32, 4096, 16384]
VOCABULARIES = [128, 256, 388, 512, 1024]
TEMPERATURE = 0.9
TOP_K = 10
TOP_P = 0.9


def shape(text):
    batch, steps = (int(number) for number in text.split("x"))
    return batch, steps


def options(description, rest=None):
    """Options of `rest`, or of the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small shapes, to try the script")
    parser.add_argument("--threads", type=int, default=1, help="of a CPU")
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), help="by their names")
    parser.add_argument("--batches", nargs="+", type=int)
    parser.add_argument("--shapes", nargs="+", type=shape, metavar="BxT", help="of whole sequences")
    parser.add_argument("--bench", help="this one alone")
    parser.add_argument("--precision", help="this one alone")
    parser.add_argument("--seconds", type=float, default=60.0, help="begin no case after this")
    return parser.parse_args(rest)


class Session:
    """Runs cases one after the other until the time is over; a failing case stops nothing."""

    def __init__(self, args):
        self.tiny = args.tiny
        self.precision = args.precision
        self.bench = args.bench
        models = TINY_MODELS if args.tiny else MODELS
        self.models = {name: models[name] for name in args.models or models}
        self.shapes = args.shapes or ([(2, 8)] if args.tiny else SEQUENCE_SHAPES)
        self.batches = args.batches or ([1, 4] if args.tiny else BATCHES)
        self.end = time.monotonic() + args.seconds
        self.sample_seconds = 0.02 if args.tiny else 0.15

    def case(self, bench, case, run):
        """`run` returns sorted seconds, or a pair of them and a dictionary of more fields."""
        if self.bench not in (None, bench):
            return
        if time.monotonic() > self.end:
            emit({"bench": bench, "case": case, "value": None, "status": "skipped: no time left"})
            return
        try:
            result = run()
            seconds, more = result if isinstance(result, tuple) else (result, {})
            emit({"bench": bench, "case": case, **summary(seconds), **more, "status": "ok"})
        except Exception as error:  # whatever a framework throws is this case's result
            words = str(error).strip().splitlines()
            text = f"{type(error).__name__}: {words[0] if words else ''}"[:300]
            emit({"bench": bench, "case": case, "value": None, "status": "failed: " + text})

    def sample(self, timed):
        """Sorted results of `timed`, called for a while after two calls to warm up."""
        for _ in range(2):
            timed()
        seconds = []
        stop = time.monotonic() + self.sample_seconds
        while len(seconds) < 5 or (time.monotonic() < stop and len(seconds) < 2000):
            seconds.append(timed())
        return sorted(seconds)


def seconds_of(function):
    """By the clock on the wall, or with CADENZA_BENCH_CLOCK=processor by the time spent on this process."""
    clock = time.process_time if os.environ.get("CADENZA_BENCH_CLOCK") == "processor" else time.perf_counter
    begin = clock()
    function()
    return clock() - begin


def emit(row):
    print(json.dumps(row), flush=True)


def quantile(values, fraction):
    place = fraction * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] * (1 - (place - low)) + values[high] * (place - low)


def summary(seconds):
    micro = {"value": 0.5, "p10": 0.1, "p90": 0.9}
    fields = {name: round(1e6 * quantile(seconds, at), 4) for name, at in micro.items()}
    return {**fields, "unit": "us"}


def give_up(peer, reason):
    """Says what is not there and ends the script."""
    emit({"bench": "peer", "case": {"backend": peer}, "value": None, "status": "not present: " + reason})
    sys.exit(0)
