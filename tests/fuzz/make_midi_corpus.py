#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the MIDI fuzz target: one small file for each feature of the format."""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "corpus" / "midi"
END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x40\x60\x3c\x00"


def header(form, tracks, division=96):
    return b"MThd" + struct.pack(">IHHH", 6, form, tracks, division & 0xFFFF)


def track(events, length=None):
    return b"MTrk" + struct.pack(">I", len(events) if length is None else length) + events


def riff(data):
    chunk = b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"RMID" + chunk


CONDUCTOR = (b"\x00\xff\x51\x03\x07\xa1\x20" b"\x00\xff\x58\x04\x06\x03\x0c\x08"
             b"\x00\xff\x59\x02\xfd\x01" b"\x60\xff\x51\x03\x09\x27\xc0" + END)
SEEDS = {
    "format0": header(0, 1) + track(NOTE + END),
    "format1": header(1, 3) + track(CONDUCTOR) + track(
        b"\x00\xff\x03\x04lead\x00\xc0\x05" + NOTE + END) + track(b"\x00\xc9\x00\x00\x99\x24\x7f"
                                                                 b"\x30\x89\x24\x40" + END),
    "format2": header(2, 2) + track(NOTE + END) + track(NOTE + END),
    "pedal": header(0, 1) + track(b"\x00\xb0\x40\x7f" + NOTE + b"\x81\x00\xb0\x40\x00" + END),
    "programs": header(1, 3) + track(b"\x00\xc0\x07\x60\xc0\x09" + END) + track(
        NOTE + b"\x00\xc0\x01" + NOTE + END) + track(NOTE + NOTE + END),
    "overlap": header(0, 1) + track(b"\x00\x90\x3c\x40\x10\x3c\x50\x00\x3c\x60\x10\x3c\x00"
                                    b"\x10\x3c\x40\x00\x3c\x00\x20\x3c\x00" + END),
    "hung": header(0, 1) + track(b"\x00\x90\x3c\x40\x10\x40\x40\x83\x60\xff\x2f\x00"),
    "smpte25": header(0, 1, 0xE728) + track(NOTE + END),
    "smpte29": header(0, 1, 0xE304) + track(NOTE + END),
    "riff": riff(header(0, 1) + track(NOTE + END)),
    "junk": b"junk" + header(1, 2) + b"XYZ " + struct.pack(">I", 3) + b"abc" + track(NOTE + END) +
            b"\x01\x02" + track(NOTE + END),
    "sysex": header(0, 1) + track(b"\x00\xf0\x03\x7e\x7f\x09\x00\xf7\x02\x01\xf7" + NOTE + END),
    "running_over_meta": header(0, 1) + track(b"\x00\x90\x3c\x40\x20\xff\x01\x01x\x20\x3c\x00" +
                                              END),
    "system": header(0, 1) + track(b"\x00\xf8\x00\xf2\x01\x02" + NOTE + b"\x00\xe0\x00\x40\x00\xd0"
                                   b"\x01\x00\xa0\x3c\x01" + END),
    "high_bits": header(0, 1) + track(b"\x00\x90\x3c\xff\x10\xbc\x40\x10\x3c\x00" + END),
    "no_status": header(0, 1) + track(b"\x00\x3c\x40" + NOTE + END),
    "no_end": header(0, 1) + track(NOTE),
    "wrong_lengths": header(1, 2) + track(NOTE + END, 2) + track(NOTE + END, 0x7FFFFFFF),
    "bad_meta": header(0, 1) + track(b"\x00\xff\x51\x02\x01\x02\x00\xff\x59\x02\x09\x00"
                                     b"\x00\xff\x58\x04\x00\x02\x18\x08" + NOTE + END),
    "long_delta": header(0, 1, 1) + track(b"\x00\x90\x3c\x40\xff\xff\xff\x7f\x3c\x00" + END),
    "latin1": header(0, 1) + track(b"\x00\xff\x03\x03f\xe9e" + NOTE + END),
}

FOLDER.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (FOLDER / f"{name}.mid").write_bytes(data)
