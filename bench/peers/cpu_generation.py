#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generation on the CPU, this project beside PyTorch and ONNX Runtime: one table in Markdown, of the
tokens per second of each and the factors over the best peer: of fp32 over the peers in fp32, of the narrow
formats over ONNX Runtime in int8. All are pinned to the same cores and run in turns; values are medians
over the rounds of each run's median. Where other programs run beside it, --clock processor counts what
processors spent on each of them, which with one thread says as much.

    bench/peers/cpu_generation.py build/cpu/bench/generation_bench --threads 1
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import bars

HERE = pathlib.Path(__file__).parent
LONGEST = 600  # seconds of one run


def lines_of(command, cores):
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    return done.stdout


def cores_of(parser, threads):
    """So many of the cores that this process may use."""
    available = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(available):
        parser.error(f"--threads is {threads}, expected 1 to {len(available)}")
    return set(available[:threads])


FORMATS = ["fp32", "bf16", "int16", "int8"]
PEERS = {"fp32": ["pytorch eager fp32", "onnxruntime fp32"], "int8": ["onnxruntime int8"]}


def own_step(bench, model, batch, precision, cores):
    """Microseconds of a step by name, or nothing."""
    text = lines_of([bench, f"--benchmark_filter=^generate/cpu/{precision}/{model}/B:{batch}/",
                     "--benchmark_format=json"], cores)
    runs = [run for run in json.loads(text)["benchmarks"] if "us_per_step" in run] if text else []
    return {precision: runs[0]["us_per_step"]} if runs else {}


def peer_step(script, model, batch, precision, cores):
    """Microseconds of a step of the fastest variant of each peer."""
    text = lines_of([sys.executable, HERE / script[0], *script[1:], "--device", "cpu", "--models", model,
                     "--batches", str(batch), "--threads", str(len(cores)), "--precision", precision],
                    cores)
    best = {}
    for row in map(json.loads, text.splitlines()):
        if row["status"] != "ok":
            continue
        name = f"{row['case']['backend']} {precision}"
        best[name] = min(row["value"], best.get(name, row["value"]))
    return best


def measure(args, model, batch, cores):
    """Tokens per second by name."""
    rounds = {}
    for _ in range(args.rounds):
        step = {}
        for precision in args.precisions:
            step.update(own_step(args.bench, model, batch, precision, cores))
        if "fp32" in args.precisions:
            step.update(peer_step(["torch_generation.py", "--way", "eager"], model, batch, "fp32", cores))
            step.update(peer_step(["onnx_generation.py"], model, batch, "fp32", cores))
        if set(args.precisions) - {"fp32"}:
            step.update(peer_step(["onnx_generation.py"], model, batch, "int8", cores))
        for name, micro in step.items():
            rounds.setdefault(name, []).append(1e6 * batch / micro)
    return {name: statistics.median(values) for name, values in rounds.items()}


def cells_of(rate, precisions):
    """Of a row: own rates with their factor over the best peer, then those of the peers."""
    cells = []
    for precision in precisions:
        peers = PEERS["fp32" if precision == "fp32" else "int8"]
        best = max((rate[name] for name in peers if name in rate), default=None)
        if precision not in rate:
            cells.append("-")
        else:
            factor = f" ({rate[precision] / best:.2f})" if best else ""
            cells.append(f"{rate[precision]:,.0f}{factor}")
    return cells + [f"{rate[name]:,.0f}" if name in rate else "-" for name in sum(PEERS.values(), [])]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the executable generation_bench")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=["S", "M"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32, 256, 1024])
    parser.add_argument("--precisions", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--svg", type=pathlib.Path, help="draw the table into this file too")
    args = parser.parse_args()
    cores = cores_of(parser, args.threads)
    os.environ["CADENZA_BENCH_CLOCK"] = args.clock
    peers = sum(PEERS.values(), [])
    names = [f"cadenza {precision}" for precision in args.precisions] + peers
    print(f"Tokens per second, --threads {args.threads}, {args.clock} time, medians of {args.rounds} rounds in turns; in "
          "brackets over the best peer, fp32 or int8.\n")
    print("| model, B | " + " | ".join(names) + " |")
    print("| --- |" + " --- |" * len(names))
    series = {name: [] for name in names}
    for model in args.models:
        for batch in args.batches:
            rate = measure(args, model, batch, cores)
            for name, key in zip(names, args.precisions + peers):
                series[name].append(rate.get(key))
            print(f"| {model}, {batch} | " + " | ".join(cells_of(rate, args.precisions)) + " |",
                  flush=True)
    if args.svg:
        cases = [f"{model}, {batch}" for model in args.models for batch in args.batches]
        bars.write_svg(args.svg, f"Generation on {args.threads} thread(s), by model and batch", "tokens/s", cases, series)


if __name__ == "__main__":
    main()
