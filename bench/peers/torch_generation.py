#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch, one step of generation at a time (embedding, LSTM, linear, softmax, draw): captured in a
CUDA graph and replayed, eager, and compiled. The value is the time of one step."""
import argparse

import peer
import torch_peer
from torch_peer import torch

nn = torch.nn
STEPS = 32  # a sample
DRAWS = {"multinomial": torch_peer.draw_multinomial, "exponential race": torch_peer.draw_race}


class WholeLayers(nn.Module):
    """All layers in one nn.LSTM call of a single step."""

    def __init__(self, shape):
        super().__init__()
        self.layers = nn.LSTM(shape["hidden"], shape["hidden"], shape["layers"])

    def state(self, shape, batch, device, kind):
        size = (shape["layers"], batch, shape["hidden"])
        return [torch.zeros(size, device=device, dtype=kind) for _ in range(2)]

    def forward(self, x, state):
        y, after = self.layers(x.unsqueeze(0), tuple(state))
        return y[0], list(after)


class Cells(nn.Module):
    """One nn.LSTMCell a layer."""

    def __init__(self, shape):
        super().__init__()
        width = shape["hidden"]
        self.cells = nn.ModuleList(nn.LSTMCell(width, width) for _ in range(shape["layers"]))

    def state(self, shape, batch, device, kind):
        size = (batch, shape["hidden"])
        return [torch.zeros(size, device=device, dtype=kind) for _ in range(2 * shape["layers"])]

    def forward(self, x, state):
        after = []
        for i, cell in enumerate(self.cells):
            h, c = cell(x, (state[2 * i], state[2 * i + 1]))
            after += [h, c]
            x = h
        return x, after


class Step(nn.Module):
    """The step, with token and state in buffers that it overwrites."""

    def __init__(self, shape, layers, batch, device, kind, draw):
        super().__init__()
        width = shape["hidden"]
        self.embedding = nn.Embedding(shape["vocabulary"], width).to(device=device, dtype=kind)
        self.layers = layers(shape).to(device=device, dtype=kind)
        self.output = nn.Linear(width, shape["vocabulary"]).to(device=device, dtype=kind)
        self.token = torch.zeros(batch, device=device, dtype=torch.int64)
        self.memory = self.layers.state(shape, batch, device, kind)
        self.draw = draw

    def forward(self):
        with torch.no_grad():
            y, after = self.layers(self.embedding(self.token), self.memory)
            self.token.copy_(self.draw(self.output(y)))
            for old, new in zip(self.memory, after):
                old.copy_(new)


def run(session, device, model, case):
    torch_peer.set_precision(case["precision"])
    layers = {"nn.LSTM": WholeLayers, "nn.LSTMCell": Cells}[case["layers"]]
    step = Step(model, layers, case["B"], device, torch_peer.TYPES[case["precision"]],
                DRAWS[case["draw"]]).eval()
    if case["backend"] == "pytorch graph":
        function = torch_peer.captured(step, device)
    elif case["backend"] == "pytorch compile":
        function = torch_peer.captured(torch.compile(step, dynamic=False), device)
    else:
        function = step
    stopwatch = torch_peer.Stopwatch(device)

    def steps():
        for _ in range(STEPS):
            function()

    seconds = session.sample(lambda: stopwatch(steps) / STEPS)
    tokens = step.token.tolist()
    if min(tokens) < 0 or max(tokens) >= model["vocabulary"]:
        raise ValueError(f"a token is outside 0..{model['vocabulary'] - 1}")
    return seconds


def cases(session, device, way):
    draws = ("exponential race",) if way == "pytorch compile" else tuple(DRAWS)
    kinds = ("nn.LSTMCell",) if way == "pytorch compile" else ("nn.LSTM", "nn.LSTMCell")
    names = [name for name in session.models if way != "pytorch compile" or name == "S"]
    for name in names:
        for batch in session.batches:
            for precision in torch_peer.precisions(device):
                if session.precision not in (None, precision):
                    continue
                for layers in kinds:
                    for draw in draws:
                        yield {"backend": way, "precision": precision, "model": name, "B": batch,
                               "layers": layers, "draw": draw}


def main():
    way = argparse.ArgumentParser(add_help=False)
    way.add_argument("--way", choices=("graph", "eager", "compile"), default="graph")
    chosen, rest = way.parse_known_args()
    args = peer.options(__doc__ + " --way graph, eager or compile.", rest=rest)
    device = torch_peer.device_of(args)
    session = peer.Session(args)
    torch.manual_seed(1)
    for case in cases(session, device, "pytorch " + chosen.way):
        model = session.models[case["model"]]
        session.case("generate", case, lambda: run(session, device, model, case))


if __name__ == "__main__":
    main()
