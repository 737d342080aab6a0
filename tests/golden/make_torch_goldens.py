# SPDX-License-Identifier: Apache-2.0
"""Writes torch_*.safetensors with PyTorch: what the backends are measured by from outside.

Run once by hand (pip install torch safetensors numpy); made with PyTorch 2.1.2 on a CPU,
attention, bidirectional and gaussian with 2.15. All numbers are computed in double; inputs are numbers that a float holds exactly, so runs in either precision
start from the same values.
"""
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

FOLDER = pathlib.Path(__file__).parent
T, B, I, H = 6, 3, 5, 7


def exact(*shape, scale=1.0):
    """Random numbers in double that a float holds exactly."""
    return ((torch.rand(*shape) * 2 - 1) * scale).float().double()


def save(name, arrays):
    arrays = {
        key: np.ascontiguousarray(value.detach().numpy() if torch.is_tensor(value) else value)
        for key, value in arrays.items()
    }
    path = FOLDER / f"torch_{name}.safetensors"
    save_file(arrays, path, metadata={"made_by": "tests/golden/make_torch_goldens.py"})
    print(path.name, path.stat().st_size, "bytes")


def layers(name, module_class, states, **options):
    """Forward pass and gradients of one and of two layers, with lengths."""
    arrays = {}
    for count in (1, 2):
        module = module_class(I, H, num_layers=count, **options).double()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(exact(*parameter.shape, scale=0.6))
        x = exact(T, B, I).requires_grad_()
        lengths = torch.tensor([6, 2, 4])
        initial = [exact(count, B, H).requires_grad_() for _ in range(states)]
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        output, final = module(packed, tuple(initial) if states > 1 else initial[0])
        y, _ = nn.utils.rnn.pad_packed_sequence(output, total_length=T)
        final = final if states > 1 else (final,)
        d_y = exact(T, B, H)
        d_final = [exact(count, B, H) for _ in range(states)]
        loss = (y * d_y).sum() + sum((f * d).sum() for f, d in zip(final, d_final))
        loss.backward()

        # States as [L, S, B, H].
        def stacked(per_state):
            return torch.stack(tuple(per_state), dim=1)

        prefix = f"layers{count}."
        arrays |= {
            prefix + "x": x,
            prefix + "lengths": lengths.int(),
            prefix + "initial_state": stacked(initial),
            prefix + "y": y,
            prefix + "final_state": stacked(final),
            prefix + "d_y": d_y,
            prefix + "d_final_state": stacked(d_final),
            prefix + "d_x": x.grad,
            prefix + "d_initial_state": stacked(state.grad for state in initial),
        }
        for key, parameter in module.named_parameters():
            arrays[prefix + key] = parameter
            arrays[prefix + "d_" + key] = parameter.grad
    save(name, arrays)


def optimizers():
    """Parameters after each of 20 updates from given gradients."""
    count, steps = 11, 20
    start, gradients = exact(count), exact(steps, count, scale=2.0)
    arrays = {"start": start, "gradients": gradients}
    rules = {
        "sgd": (lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.1), None),
        "momentum": (lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), None),
        "rmsprop": (
            lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.01),
            None,
        ),
        "adam": (lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.999), eps=1e-8), None),
        "adam_decay": (lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1), None),
        "adam_clip": (lambda p: torch.optim.Adam(p, lr=0.01, eps=1e-3), 0.5),
        "adamw": (lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1), None),
    }
    for name, (make, clip) in rules.items():
        parameter = nn.Parameter(start.clone())
        optimizer = make([parameter])
        trajectory = []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            if clip is not None:
                nn.utils.clip_grad_norm_([parameter], clip)
            optimizer.step()
            trajectory.append(parameter.detach().clone())
        arrays[name] = torch.stack(trajectory)
    save("optimizers", arrays)


def training():
    """Loss curve of a small language model: embedding, LSTM, linear, cross-entropy, Adam, clip."""
    vocabulary, embedded, hidden, steps, length, batch = 13, 8, 16, 100, 12, 4
    # Scales that go up or down, with some slips, so that there is something to learn.
    direction = torch.randint(0, 2, (steps, 1, batch)) * 2 - 1
    start = torch.randint(0, vocabulary, (steps, 1, batch))
    slips = (torch.rand(steps, length + 1, batch) < 0.1).long()
    tokens = (start + direction * torch.arange(length + 1)[None, :, None] + slips) % vocabulary
    embedding = nn.Embedding(vocabulary, embedded).double()
    lstm = nn.LSTM(embedded, hidden).double()
    linear = nn.Linear(hidden, vocabulary).double()
    named = {
        f"{prefix}.{key}": parameter
        for prefix, module in (("embedding", embedding), ("lstm", lstm), ("output", linear))
        for key, parameter in module.named_parameters()
    }
    with torch.no_grad():
        for parameter in named.values():
            parameter.copy_(exact(*parameter.shape, scale=0.3))
    arrays = {key: parameter.detach().clone() for key, parameter in named.items()}
    arrays["tokens"] = tokens.int()
    optimizer = torch.optim.Adam(named.values(), lr=0.01)
    losses = []
    for sequence in tokens:
        optimizer.zero_grad()
        logits = linear(lstm(embedding(sequence[:-1]))[0])
        loss = nn.functional.cross_entropy(
            logits.reshape(-1, vocabulary), sequence[1:].reshape(-1)
        )
        loss.backward()
        nn.utils.clip_grad_norm_(named.values(), 0.25)
        optimizer.step()
        losses.append(loss.item())
    arrays["losses"] = np.array(losses)
    print("loss", losses[0], "to", losses[-1])
    save("training", arrays)


def attention():
    """Both kinds of attention with masked memory; gradients through PyTorch's softmax."""
    steps, batch, memory, width, value_width = 4, 3, 6, 5, 7
    lengths = torch.tensor([6, 1, 4])
    seen = (torch.arange(memory)[None, :] < lengths[:, None])[None]  # [1, B, S]
    arrays = {"lengths": lengths.int()}
    for kind in ("dot", "additive"):
        inputs = {
            "queries": exact(steps, batch, width, scale=2.0),
            "keys": exact(memory, batch, width, scale=2.0),
            "values": exact(memory, batch, value_width),
        }
        if kind == "additive":
            inputs["v"] = exact(width)
        q, k, values = (inputs[key].requires_grad_() for key in ("queries", "keys", "values"))
        if kind == "dot":
            scores = torch.einsum("tba,sba->tbs", q, k) * 0.375
        else:
            scores = torch.tanh(q[:, None] + k[None]) @ inputs["v"].requires_grad_()  # [T, S, B]
            scores = scores.transpose(1, 2)
        weights = torch.softmax(scores.masked_fill(~seen, -torch.inf), dim=-1)
        context = torch.einsum("tbs,sbe->tbe", weights, values)
        d_context = exact(steps, batch, value_width)
        context.backward(d_context)
        arrays |= {f"{kind}.{key}": value for key, value in inputs.items()}
        arrays |= {f"{kind}.d_{key}": value.grad for key, value in inputs.items()}
        arrays |= {
            f"{kind}.weights": weights,
            f"{kind}.context": context,
            f"{kind}.d_context": d_context,
        }
    save("attention", arrays)


def bidirectional():
    """Outputs of two layers in both directions, with lengths, and the last of each direction."""
    module = nn.LSTM(I, H, num_layers=2, bidirectional=True).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(exact(*parameter.shape, scale=0.6))
    x = exact(T, B, I)
    lengths = torch.tensor([6, 2, 4])
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    output, (h, _) = module(packed)
    y, _ = nn.utils.rnn.pad_packed_sequence(output, total_length=T)
    arrays = {f"lstm.{key}": parameter for key, parameter in module.named_parameters()}
    arrays |= {"x": x, "lengths": lengths.int(), "y": y}
    arrays["summary"] = torch.cat((h[-2], h[-1]), dim=1)[None]
    save("bidirectional", arrays)


def gaussian():
    """Samples of normal distributions and their divergence from N(0, 1), with gradients."""
    mean, spread = (exact(B, H, scale=2.0).requires_grad_() for _ in range(2))
    noise, d_sample, weights = exact(B, H, scale=2.0), exact(B, H), exact(B).abs()
    posterior = torch.distributions.Normal(mean, 2 * torch.sigmoid(spread))
    prior = torch.distributions.Normal(torch.zeros(H).double(), torch.ones(H).double())
    sample = posterior.loc + posterior.scale * noise
    divergence = torch.distributions.kl_divergence(posterior, prior).sum(dim=1)
    # Free nats: what lies below costs nothing.
    free = divergence.detach().sort().values[:2].mean()
    cost = (divergence - free).clamp(min=0)
    ((sample * d_sample).sum() + (cost * weights).sum()).backward()
    save("gaussian", {
        "mean": mean, "spread": spread, "noise": noise, "d_sample": d_sample,
        "weights": weights, "free": free[None], "sample": sample,
        "divergence": divergence, "cost": cost, "d_mean": mean.grad, "d_spread": spread.grad,
    })


torch.manual_seed(20250807)
layers("rnn_tanh", nn.RNN, 1, nonlinearity="tanh")
layers("rnn_relu", nn.RNN, 1, nonlinearity="relu")
layers("gru", nn.GRU, 1)
layers("lstm", nn.LSTM, 2)
optimizers()
training()
attention()
bidirectional()
torch.manual_seed(20250807)
gaussian()
