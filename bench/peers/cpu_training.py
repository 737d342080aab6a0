#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training step on the CPU (forward, loss, backward, Adam with clipping), this project in fp32 and in int24,
which errs as little, beside PyTorch, oneDNN's LSTM, Keras and a loop over OpenBLAS in fp32: one table in Markdown, of the tokens per second of
each, of what can be reached at most by multiply-adds and by reading the recurrent weights once a step
and way, both measured in the same run, and of the factor over the best ready-made peer (the loop is none).
All are pinned to the same cores and run in turns; values are medians over the rounds of each run's
median. Peers that are not there are named.

    bench/peers/cpu_training.py build/bench/bench/training_bench --threads 1
"""
import cpu_peers
from cpu_peers import Peer

FORMATS = ["fp32", "int24"]


def peers_of(bench):
    return [Peer("pytorch", cpu_peers.script("torch_training.py")),
            Peer("onednn", cpu_peers.program(bench, "onednn_lstm")),
            Peer("keras", cpu_peers.script("keras_training.py")),
            Peer("openblas loop", cpu_peers.program(bench, "openblas_loop"), ready_made=False)]


def measure(args, peers, model, shape):
    """Tokens per second by column."""
    batch, steps = (int(number) for number in shape.split("x"))
    tokens = batch * steps
    rates = cpu_peers.Rates()
    for _ in range(args.rounds):
        for precision in FORMATS:
            case = f"training_step/cpu/{precision}/{model}/B:{batch}/T:{steps}/"
            run = cpu_peers.own_run(args.bench, case, args.cores)
            if run is None:
                continue
            rates.add(f"cadenza {precision}", tokens, run["median_us"])
            rates.add_limits(tokens, run)
        for peer in peers:
            step = cpu_peers.peer_step(peer, "training_step", ["--models", model, "--shapes", shape],
                                       args.cores)
            rates.add(peer.column, tokens, step)
    return rates.medians()


def main():
    parser = cpu_peers.options_of(__doc__, "training_bench")
    parser.set_defaults(rounds=3)
    parser.add_argument("--cases", nargs="+", default=["S:32x64", "S:64x256", "M:32x64"],
                        metavar="MODEL:BxT")
    args = cpu_peers.parse(parser)
    print(f"Tokens per second, --threads {args.threads}, {args.clock} time, medians of {args.rounds} rounds in "
          "turns; in brackets over the best ready-made peer.\n")
    peers = cpu_peers.present(peers_of(args.bench), args.cores)
    table = cpu_peers.Table("model, B x T", {f"cadenza {name}": "fp32" for name in FORMATS}, peers)
    for case in args.cases:
        model, shape = case.split(":")
        table.add(f"{model}, {shape.replace('x', ' x ')}", measure(args, peers, model, shape))
    table.draw(args.svg, f"Training on {args.threads} thread(s), by model, batch and steps")


if __name__ == "__main__":
    main()
