#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training step on the CPU (forward, loss, backward, Adam), this project beside PyTorch: one table in
Markdown. Both are pinned to the same cores and run in turns; values are medians over the rounds of each
run's median.

    bench/peers/cpu_training.py build/bench/bench/training_bench --threads 1
"""
import argparse
import json
import statistics
import sys

from cpu_generation import HERE, cores_of, lines_of


def own_step(bench, model, shape, cores):
    """Microseconds of a step, and the share it is of what the cores can do at most."""
    batch, steps = shape.split("x")
    text = lines_of([bench, f"--benchmark_filter=^training_step/cpu/fp32/{model}/B:{batch}/T:{steps}/",
                     "--benchmark_format=json"], cores)
    run = json.loads(text)["benchmarks"][0]
    return run["median_us"], run["share_of_peak"]


def torch_step(model, shape, cores):
    text = lines_of([sys.executable, HERE / "torch_training.py", "--device", "cpu", "--models", model,
                     "--shapes", shape, "--bench", "training_step", "--precision", "fp32", "--threads",
                     str(len(cores))], cores)
    return json.loads(text)["value"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", help="the executable training_bench")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cases", nargs="+", default=["S:32x64", "S:64x256", "M:32x64"],
                        metavar="MODEL:BxT")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    cores = cores_of(parser, args.threads)
    print(f"Tokens per second, fp32, --threads {args.threads}, medians of {args.rounds} rounds in turns.\n")
    print("| model, B x T | cadenza | share of the FMA peak | pytorch | factor |\n" + "| --- " * 5 + "|")
    for case in args.cases:
        model, shape = case.split(":")
        batch, steps = (int(number) for number in shape.split("x"))
        own, shares, torch = [], [], []
        for _ in range(args.rounds):
            step, share = own_step(args.bench, model, shape, cores)
            own.append(step)
            shares.append(share)
            torch.append(torch_step(model, shape, cores))
        rate, peer = (1e6 * batch * steps / statistics.median(times) for times in (own, torch))
        share = statistics.median(shares)
        print(f"| {model}, {shape.replace('x', ' x ')} | {rate:,.0f} | {share:.0%} | {peer:,.0f} "
              f"| {rate / peer:.2f} |", flush=True)


if __name__ == "__main__":
    main()
