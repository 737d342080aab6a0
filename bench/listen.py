#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Listens to rendered music by measurement: pairs of NAME.mid and NAME.wav, as `cadenza ... --wav` writes
them. For each it says how loud the sound is, whether it clips, whether it falls silent where the notes
end (a hung note does not), the longest silence within, and how many notes begin where the level rises.
The exit code is 1 if a piece is silent, hangs or clips.

    bench/listen.py out/*.mid
"""
import argparse
import array
import json
import math
import pathlib
import subprocess
import sys
import wave

WINDOW = 0.02  # seconds a level is taken over
SILENCE = -60.0  # dB below full scale
TAIL = 4.0  # seconds a released note may sound on


def levels_of(path):
    """Level of each window in dB of full scale, share of samples at full scale."""
    with wave.open(str(path)) as sound:
        rate, channels, width = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
        if width != 2:
            raise SystemExit(f"{path}: {8 * width} bits a sample, expected 16")
        samples = array.array("h", sound.readframes(sound.getnframes()))
    step = int(rate * WINDOW) * channels
    levels = []
    for begin in range(0, len(samples) - step + 1, step):
        power = sum(x * x for x in samples[begin:begin + step]) / step
        levels.append(10.0 * math.log10(max(power, 1e-3) / 32768.0**2))
    return levels, sum(abs(x) >= 32767 for x in samples) / max(len(samples), 1)


def music_of(program, path):
    done = subprocess.run([program, "info", path, "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def listen(program, path):
    music = music_of(program, path)
    levels, clipped = levels_of(path.with_suffix(".wav"))
    end = min(int(music["seconds"] / WINDOW), len(levels))
    within, after = levels[:end], levels[end + int(TAIL / WINDOW):]
    silent, longest = 0, 0
    for level in within:
        silent = silent + 1 if level < SILENCE else 0
        longest = max(longest, silent)
    faults = []
    if not within or max(within) < SILENCE:
        faults.append("silent")
    if after and max(after) > SILENCE:
        faults.append("hangs")
    if clipped > 1e-4:
        faults.append("clips")
    loud = 10.0 * math.log10(sum(10.0**(x / 10.0) for x in within) / max(len(within), 1)) if within else -99.0
    rises = sum(b > a + 3.0 for a, b in zip(within, within[1:]))
    return {"seconds": music["seconds"], "notes": music["notes"], "loudness_db": loud,
            "longest_silence": longest * WINDOW, "rises": rises, "faults": faults}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", nargs="+", type=pathlib.Path)
    parser.add_argument("--cadenza", default="cadenza", help="the program")
    args = parser.parse_args()
    faulty = False
    for path in args.music:
        heard = listen(args.cadenza, path)
        faulty |= bool(heard["faults"])
        print(f"{path}: {heard['seconds']:.1f} s, {heard['notes']} notes, {heard['rises']} rises, "
              f"{heard['loudness_db']:.1f} dB, longest silence {heard['longest_silence']:.2f} s, "
              f"{', '.join(heard['faults']) or 'sound'}")
    sys.exit(1 if faulty else 0)


if __name__ == "__main__":
    main()
