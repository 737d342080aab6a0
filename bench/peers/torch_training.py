#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch eager: the LSTM layers of the record models forward and backward, and a whole training
step (embedding, layers, linear, cross-entropy, Adam with clipping). Samples of the layers begin with the
caches flushed."""
import peer
import torch_peer
from torch_peer import torch

nn = torch.nn


def layers(session, device, model, precision, batch, steps, flush):
    torch_peer.set_precision(precision)
    kind = torch_peer.TYPES[precision]
    width = model["hidden"]
    net = nn.LSTM(width, width, model["layers"]).to(device=device, dtype=kind)
    x = torch.randn(steps, batch, width, device=device, dtype=kind, requires_grad=True)
    upstream = torch.randn(steps, batch, width, device=device, dtype=kind) * 1e-3
    stopwatch = torch_peer.Stopwatch(device)

    def forward():
        with torch.no_grad():
            net(x)

    def forward_backward():
        net.zero_grad(set_to_none=True)
        x.grad = None
        net(x)[0].backward(upstream)

    def timed(function):
        return lambda: session.sample(lambda: stopwatch(function, before=flush))

    return timed(forward), timed(forward_backward)


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embedding = nn.Embedding(shape["vocabulary"], shape["hidden"])
        self.layers = nn.LSTM(shape["hidden"], shape["hidden"], shape["layers"])
        self.output = nn.Linear(shape["hidden"], shape["vocabulary"])

    def forward(self, ids):
        return self.output(self.layers(self.embedding(ids))[0])


def training(session, device, model, precision, batch, steps):
    torch_peer.set_precision(precision)
    net = Model(model).to(device=device, dtype=torch_peer.TYPES[precision])
    ids = torch.randint(model["vocabulary"], (steps, batch), device=device)
    targets = torch.randint(model["vocabulary"], (steps * batch,), device=device)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-5, eps=1e-4, fused=device.type == "cuda")
    stopwatch = torch_peer.Stopwatch(device)

    def step():
        optimizer.zero_grad(set_to_none=True)
        logits = net(ids).view(-1, model["vocabulary"]).float()
        nn.functional.cross_entropy(logits, targets).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    return session.sample(lambda: stopwatch(step))


def main():
    args = peer.options(__doc__)
    device = torch_peer.device_of(args)
    session = peer.Session(args)
    torch.manual_seed(1)
    scratch = torch_peer.cache_filler(args, device)
    for batch, steps in session.shapes:
        for precision in torch_peer.precisions(device):
            if session.precision not in (None, precision):
                continue
            for name, model in session.models.items():
                case = {"backend": "pytorch eager", "precision": precision, "model": name,
                        "B": batch, "T": steps}
                arguments = (session, device, model, precision, batch, steps)
                session.case("recurrent_forward_backward", case,
                             lambda: layers(*arguments, scratch.zero_)[1]())
                session.case("recurrent_forward", case,
                             lambda: layers(*arguments, scratch.zero_)[0]())
                session.case("training_step", case, lambda: training(*arguments))


if __name__ == "__main__":
    main()
