#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes random token sequences as a .npy array: given to `cadenza prepare` as both source and
target, they are the copy task, which a model without attention fails at this length."""
import argparse
import pathlib
import random
import struct

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("output")
parser.add_argument("--rows", type=int, default=10000)
parser.add_argument("--length", type=int, default=50)
parser.add_argument("--vocabulary", type=int, default=20)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

draw = random.Random(options.seed)
tokens = [draw.randrange(options.vocabulary) for _ in range(options.rows * options.length)]
header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': ({options.rows}, {options.length}), }}"
header += " " * (-(len(header) + 11) % 64) + "\n"
pathlib.Path(options.output).parent.mkdir(parents=True, exist_ok=True)
with open(options.output, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    file.write(struct.pack(f"<{len(tokens)}i", *tokens))
