#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cross-check of model files with PyTorch, by hand: needs torch, numpy, mido and safetensors.

    python3 tests/interop/torch_checkpoint.py build/cpu/bin/cadenza

1. A model trained by cadenza loads in nn.LSTM, nn.GRU and nn.RNN by its own names and gives the
   same likelihood. 2. A state_dict saved from PyTorch generates in cadenza the same greedy
   continuation that PyTorch computes.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import mido
import numpy
import torch
from safetensors.torch import load_file, save_file

VOCABULARY = 128
MODULES = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn_tanh": torch.nn.RNN}


def cadenza(program, *arguments):
    command = [program, *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def tune(length, seed):
    generator = numpy.random.default_rng(seed)
    steps = generator.choice([-2, 0, 2, 2, 4, -4, 7, -7], size=length)
    return numpy.clip(60 + numpy.cumsum(steps) % 24, 0, VOCABULARY - 1).astype(numpy.int64)


class Model(torch.nn.Module):
    def __init__(self, cell, embedding, hidden, layers):
        super().__init__()
        self.notes = torch.nn.Embedding(VOCABULARY, embedding)
        self.body = MODULES[cell](embedding, hidden, layers)
        self.head = torch.nn.Linear(hidden, VOCABULARY)

    def forward(self, tokens, state=None):
        y, state = self.body(self.notes(tokens), state)
        return self.head(y), state


def check_export(program, folder, cell):
    data = folder / "music_data.npy"
    numpy.save(data, numpy.stack([tune(200, seed) for seed in range(10)]))
    cadenza(program, "train", "--data", data, "--output", folder / cell, "--cell", cell,
            "--layers", 2, "--hidden", 24, "--embedding", 16, "--epochs", 2)
    expected = cadenza(program, "evaluate", "--model", folder / cell / "model.safetensors",
                       "--data", data, "--split", "valid")["nll_per_token"]

    weights = load_file(folder / cell / "model.safetensors")
    prefix = {"rnn_tanh": "rnn"}.get(cell, cell) + "."
    body = MODULES[cell](16, 24, 2)
    body.load_state_dict({name[len(prefix):]: value for name, value in weights.items()
                          if name.startswith(prefix)})
    total, count = 0.0, 0
    for piece in valid_pieces(program, folder, data):
        tokens = torch.tensor(piece)
        # The first token is predicted from nothing: a zero vector.
        inputs = torch.cat([torch.zeros(1, 16), weights["embedding.weight"][tokens[:-1]]])
        logits = body(inputs.unsqueeze(1))[0].squeeze(1) @ weights["output.weight"].T
        loss = torch.nn.functional.cross_entropy(logits + weights["output.bias"], tokens,
                                                 reduction="sum")
        total, count = total + loss.item(), count + len(piece)
    difference = abs(total / count - expected)
    print(f"{cell}: PyTorch {total / count:.6f}, cadenza {expected:.6f}, difference {difference:.1e}")
    assert difference < 1e-5


def valid_pieces(program, folder, data):
    prepared = folder / "prepared.safetensors"
    cadenza(program, "prepare", "--input", data, "--tokenizer", "ids", "--output", prepared)
    arrays = load_file(prepared)
    steps, offsets = arrays["valid.steps"].tolist(), arrays["valid.offsets"].tolist()
    return [steps[begin:end] for begin, end in zip(offsets, offsets[1:])]


def check_import(program, folder, cell):
    torch.manual_seed(1)
    model = Model(cell, 16, 24, 2)
    with torch.no_grad():
        model.head.weight *= 8  # sharp enough that no two logits are close
        primer = [60, 64, 67]
        tokens, state = torch.tensor(primer).unsqueeze(1), None
        # cadenza reads "nothing" before the first token: one step from a zero input.
        zero = torch.zeros(1, 1, 16)
        _, state = model.body(zero)
        expected = []
        for _ in range(40):
            logits, state = model(tokens, state)
            expected.append(int(logits[-1, 0].argmax()))
            tokens = torch.tensor([[expected[-1]]])
    save_file(model.state_dict(), folder / "torch.safetensors")
    music = folder / f"music_{cell}"
    cadenza(program, "generate", "--model", folder / "torch.safetensors", "--tokenizer",
            f"ids:vocabulary={VOCABULARY}", "--primer", ",".join(map(str, primer)), "--temperature",
            0, "--num-steps", 40, "--output", music)
    notes = [message.note for message in mido.MidiFile(music / "0000.mid")
             if message.type == "note_on" and message.velocity > 0]
    print(f"{cell}: {len(notes)} notes of cadenza, equal to PyTorch: {notes == primer + expected}")
    assert notes == primer + expected


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        for cell in MODULES:
            check_export(program, pathlib.Path(name), cell)
            check_import(program, pathlib.Path(name), cell)
    print("all equal")


if __name__ == "__main__":
    main()
