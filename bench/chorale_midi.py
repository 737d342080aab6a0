#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the chorales of a split of jsb16-separated.json as MIDI files of four tracks.

usage: bench/chorale_midi.py jsb16-separated.json test FOLDER [--voices S]
"""
import argparse
import json
import pathlib
import struct

NAMES = ("soprano", "alto", "tenor", "bass")
TICKS = 480  # a quarter; a frame is a sixteenth


def number(value):
    """A variable-length quantity."""
    data = [value & 127]
    while value := value >> 7:
        data.insert(0, 128 | value & 127)
    return bytes(data)


def chunk(events):
    """A track of (tick, bytes)."""
    data, now = b"", 0
    for tick, event in sorted(events, key=lambda item: item[0]):
        data += number(tick - now) + event
        now = tick
    data += b"\0\xff\x2f\0"
    return b"MTrk" + struct.pack(">I", len(data)) + data


def voice_events(frames, voice):
    """Equal neighbours are one held note; an end comes before a start at the same tick."""
    name = NAMES[voice].encode()
    events = [(0, b"\xff\x03" + number(len(name)) + name)]
    last = -1
    for i, pitch in enumerate([frame[voice] for frame in frames] + [-1]):
        tick = i * TICKS // 4
        if pitch != last and last >= 0:
            events.append((tick, bytes((0x80 | voice, last, 0))))
        if pitch != last and pitch >= 0:
            events.append((tick, bytes((0x90 | voice, pitch, 80))))
        last = pitch
    return events


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chorales", type=pathlib.Path)
    parser.add_argument("split", choices=("train", "valid", "test"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--voices", default="SATB", help="those to write")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for i, frames in enumerate(json.loads(options.chorales.read_text())[options.split]):
        tracks = [chunk(voice_events(frames, "SATB".index(letter))) for letter in options.voices]
        head = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), TICKS)
        (options.folder / f"{i:03}.mid").write_bytes(head + b"".join(tracks))


if __name__ == "__main__":
    main()
