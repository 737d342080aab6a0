#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generation on the CPU, this project beside PyTorch, ONNX Runtime, oneDNN's LSTM, Keras and a loop over
OpenBLAS: one table in Markdown, of the tokens per second of each, of what fp32 can reach at most by
multiply-adds and by reading the weights once a step, both measured in the same run, and of factors over
the best ready-made peer (the loop is none): of fp32 and int24, which errs as little, over the peers in fp32, of
the narrow formats over ONNX Runtime in int8. All are pinned to the same cores and run in turns; values are medians over the rounds of
each run's median. Peers that are not there are named. Where other programs run beside it, --clock
processor counts what processors spent on each of them, which with one thread says as much.

    bench/peers/cpu_generation.py build/bench/bench/generation_bench --threads 1
"""
import cpu_peers
from cpu_peers import Peer

FORMATS = ["fp32", "int24", "bf16", "int16", "int8"]


def peers_of(bench):
    return [Peer("pytorch", cpu_peers.script("torch_generation.py", "--way", "eager")),
            Peer("onnxruntime", cpu_peers.script("onnx_generation.py")),
            Peer("onednn", cpu_peers.program(bench, "onednn_lstm")),
            Peer("keras", cpu_peers.script("keras_generation.py")),
            Peer("openblas loop", cpu_peers.program(bench, "openblas_loop"), ready_made=False),
            Peer("onnxruntime", cpu_peers.script("onnx_generation.py"), precision="int8")]


def measure(args, peers, model, batch):
    """Tokens per second by column."""
    rates = cpu_peers.Rates()
    for _ in range(args.rounds):
        for precision in args.precisions:
            run = cpu_peers.own_run(args.bench, f"generate/cpu/{precision}/{model}/B:{batch}/", args.cores)
            if run is None:
                continue
            steps = round(run["median_us"] / run["us_per_step"])  # of the run that the limits are for
            rates.add(f"cadenza {precision}", batch, run["us_per_step"])
            rates.add_limits(steps * batch, run)
        for peer in peers:
            step = cpu_peers.peer_step(peer, "generate", ["--models", model, "--batches", str(batch)],
                                       args.cores)
            rates.add(peer.column, batch, step)
    return rates.medians()


def main():
    parser = cpu_peers.options_of(__doc__, "generation_bench")
    parser.add_argument("--models", nargs="+", default=["S", "M"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32, 256, 1024])
    parser.add_argument("--precisions", nargs="+", choices=FORMATS, default=FORMATS)
    args = cpu_peers.parse(parser)
    own = {f"cadenza {name}": "fp32" if name in ("fp32", "int24") else "int8" for name in args.precisions}
    print(f"Tokens per second, --threads {args.threads}, {args.clock} time, medians of {args.rounds} rounds in turns; in "
          "brackets over the best ready-made peer, fp32 or int8.\n")
    wanted = [peer for peer in peers_of(args.bench) if peer.precision in own.values()]
    peers = cpu_peers.present(wanted, args.cores)
    table = cpu_peers.Table("model, B", own, peers)
    for model in args.models:
        for batch in args.batches:
            table.add(f"{model}, {batch}", measure(args, peers, model, batch))
    table.draw(args.svg, f"Generation on {args.threads} thread(s), by model and batch")


if __name__ == "__main__":
    main()
