#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generation on the CPU, this project beside PyTorch and ONNX Runtime: one table in Markdown, of the
tokens per second of each and the factor over the best peer. All are pinned to the same cores and run in
turns; values are medians over the rounds of each run's median.

    bench/peers/cpu_generation.py build/cpu/bench/generation_bench --threads 1
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
LONGEST = 600  # seconds of one run


def lines_of(command, cores):
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    return done.stdout


def own_step(bench, model, batch, cores):
    """Microseconds of a step, or None."""
    text = lines_of([bench, f"--benchmark_filter=^generate/cpu/fp32/{model}/B:{batch}/",
                     "--benchmark_format=json"], cores)
    runs = [run for run in json.loads(text)["benchmarks"] if "us_per_step" in run] if text else []
    return {"cadenza": runs[0]["us_per_step"]} if runs else {}


def peer_step(script, model, batch, cores):
    """Microseconds of a step of the fastest variant of each peer."""
    text = lines_of([sys.executable, HERE / script[0], *script[1:], "--device", "cpu", "--models", model,
                     "--batches", str(batch), "--threads", str(len(cores)), "--precision", "fp32"], cores)
    best = {}
    for row in map(json.loads, text.splitlines()):
        if row["status"] != "ok":
            continue
        name = row["case"]["backend"]
        best[name] = min(row["value"], best.get(name, row["value"]))
    return best


def measure(args, model, batch, cores):
    """Tokens per second by name."""
    rounds = {}
    for _ in range(args.rounds):
        step = own_step(args.bench, model, batch, cores)
        for script in (["torch_generation.py", "--way", "eager"], ["onnx_generation.py"]):
            step.update(peer_step(script, model, batch, cores))
        for name, micro in step.items():
            rounds.setdefault(name, []).append(1e6 * batch / micro)
    return {name: statistics.median(values) for name, values in rounds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the executable generation_bench")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=["S", "M"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32, 256])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    available = sorted(os.sched_getaffinity(0))
    if not 1 <= args.threads <= len(available):
        parser.error(f"--threads is {args.threads}, expected 1 to {len(available)}")
    cores = set(available[:args.threads])
    names = ["cadenza", "pytorch eager", "onnxruntime"]
    print(f"Tokens per second, fp32, --threads {args.threads}, medians of {args.rounds} rounds in turns.\n")
    print("| model, B | " + " | ".join(names) + " | factor over the best peer |")
    print("| --- |" + " --- |" * (len(names) + 1))
    for model in args.models:
        for batch in args.batches:
            rate = measure(args, model, batch, cores)
            cells = [f"{rate[name]:,.0f}" if name in rate else "-" for name in names]
            peers = [rate[name] for name in names[1:] if name in rate]
            factor = f"{rate['cadenza'] / max(peers):.2f}" if peers and "cadenza" in rate else "-"
            print(f"| {model}, {batch} | " + " | ".join(cells + [factor]) + " |", flush=True)


if __name__ == "__main__":
    main()
