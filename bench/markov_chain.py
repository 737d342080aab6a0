#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Markov chain over the tokens of melodies, as a yardstick for models that generate.

It counts which token follows which in the training split of what `cadenza prepare --tokenizer melody`
wrote, draws from these counts and writes MIDI files; after tokens that were never seen in this order it
looks at fewer of them. The beginning of a piece counts as a token of its own. With --real it also writes
the pieces of the test split, for `cadenza evaluate --music FOLDER --against REAL`."""
import argparse
import collections
import json
import pathlib
import random
import struct

HOLD, OFF, FIRST_PITCH = 0, 1, 2  # tokens of a sixteenth each
SIXTEENTH = 120  # ticks


def read_pieces(path, split):
    """The token lists of a split, and the lowest pitch."""
    blob = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", blob[:8])[0]
    header = json.loads(blob[8:8 + size])
    settings = dict(item.split("=") for item in header["__metadata__"]["tokenizer_settings"].split(";"))

    def array(name, letter):
        begin, end = header[f"{split}.{name}"]["data_offsets"]
        data = blob[8 + size + begin:8 + size + end]
        return struct.unpack(f"<{len(data) // struct.calcsize(letter)}{letter}", data)

    steps, offsets = array("steps", "i"), array("offsets", "q")
    return [list(steps[a:b]) for a, b in zip(offsets, offsets[1:])], int(settings["min_pitch"])


def count_followers(pieces, order):
    """For each run of up to `order` tokens how often each token followed it."""
    followers = collections.defaultdict(collections.Counter)
    for piece in pieces:
        padded = [None] * order + piece
        for at in range(order, len(padded)):
            for length in range(order + 1):
                followers[tuple(padded[at - length:at])][padded[at]] += 1
    return followers


def draw_piece(followers, order, length, noise):
    tokens = [None] * order
    for _ in range(length):
        context = tuple(tokens[-order:]) if order else ()
        while context not in followers:
            context = context[1:]
        counts = followers[context]
        tokens += noise.choices(list(counts), list(counts.values()))
    return tokens[order:]


def variable_length(value):
    data = [value & 127]
    while value := value >> 7:
        data.append(value & 127 | 128)
    return bytes(reversed(data))


def midi_file(tokens, lowest):
    """One track, one line: a pitch sounds until the next one, a note off or the end."""
    events, sounding = [], None
    for step, token in enumerate([*tokens, OFF]):
        if token != HOLD and sounding is not None:
            events.append((step, b"\x80", sounding))
            sounding = None
        if token >= FIRST_PITCH:
            sounding = lowest + token - FIRST_PITCH
            events.append((step, b"\x90", sounding))
    track, last = b"", 0
    for step, status, pitch in events:
        track += variable_length((step - last) * SIXTEENTH) + status + bytes([pitch, 80])
        last = step
    track += b"\x00\xff\x2f\x00"
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 4 * SIXTEENTH)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + track


def write_pieces(pieces, lowest, folder):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for number, piece in enumerate(pieces):
        (pathlib.Path(folder) / f"{number:04}.mid").write_bytes(midi_file(piece, lowest))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("output")
    parser.add_argument("--order", type=int, default=2)
    parser.add_argument("--num-outputs", type=int, default=256)
    parser.add_argument("--num-steps", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", help="folder for the pieces of the test split")
    options = parser.parse_args()
    pieces, lowest = read_pieces(options.data, "train")
    followers = count_followers(pieces, options.order)
    noise = random.Random(options.seed)
    drawn = [draw_piece(followers, options.order, options.num_steps, noise) for _ in range(options.num_outputs)]
    write_pieces(drawn, lowest, options.output)
    if options.real:
        write_pieces(read_pieces(options.data, "test")[0], lowest, options.real)


main()
