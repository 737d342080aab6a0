#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes judgement.json: two small sets of pieces, their nine features and how the sets compare, by numpy 2.4.6
and scipy 1.17.1.

pip install numpy scipy; python make_judgement.py > judgement.json
"""
import itertools
import json

import numpy as np
from scipy import integrate, stats

TICKS = 480
LENGTHS = np.array([96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8]) / 96  # of a whole note


def make_piece(rng, scale, lengths, count):
    """Notes (start, end, pitch), here and there a chord or a rest."""
    notes, time, place = [], 0, int(rng.integers(len(scale)))
    for _ in range(count):
        length = int(rng.choice(lengths))
        notes.append((time, time + length, scale[place]))
        if rng.random() < 0.1:
            notes.append((time, time + length // 2, scale[place] - 12))
        time += length + (TICKS // 2 if rng.random() < 0.1 else 0)
        place = int(np.clip(place + rng.integers(-3, 4), 0, len(scale) - 1))
    return {"tempo": int(rng.choice([400000, 500000, 600000])), "notes": sorted(notes, key=lambda n: (n[0], n[2]))}


def features(piece):
    start, end, pitch = np.array(piece["notes"]).T
    lengths = np.abs((end - start)[:, None] / (4 * TICKS) - LENGTHS).argmin(axis=1)
    transitions = lambda ids: np.histogram2d(ids[:-1], ids[1:], bins=12, range=[[0, 12]] * 2)[0].ravel() / (len(ids) - 1)
    onsets = np.unique(start) / TICKS * piece["tempo"] / 1e6
    return [
        [len(set(pitch.tolist()))],
        np.bincount(pitch % 12, weights=end - start, minlength=12) / np.sum(end - start),
        transitions(pitch % 12),
        [np.ptp(pitch)],
        [np.abs(np.diff(pitch)).mean()],
        [len(pitch)],
        [np.diff(onsets).mean()],
        np.bincount(lengths, minlength=12) / len(lengths),
        transitions(lengths),
    ]


def distances(pairs):
    return np.array([np.linalg.norm(np.asarray(a, float) - np.asarray(b, float)) for a, b in pairs])


def compare(a, b):
    """Overlapped area, and divergence of b from a, of the kernel densities of two samples."""
    p, q = stats.gaussian_kde(a), stats.gaussian_kde(b)
    margin = 5 * max(np.sqrt(p.covariance[0, 0]), np.sqrt(q.covariance[0, 0]))
    x = np.linspace(min(a.min(), b.min()) - margin, max(a.max(), b.max()) + margin, 200001)
    log_p, log_q = p.logpdf(x), q.logpdf(x)
    return {"overlap": integrate.simpson(np.exp(np.minimum(log_p, log_q)), x=x),
            "divergence": integrate.simpson(np.exp(log_p) * (log_p - log_q), x=x)}


def main():
    rng = np.random.default_rng(4)
    major = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76]
    minor = [55, 57, 58, 60, 62, 63, 65, 67, 69, 70]
    music = [make_piece(rng, major, [240, 480, 700], int(rng.integers(20, 40))) for _ in range(6)]
    real = [make_piece(rng, minor, [120, 240, 360, 480, 960], int(rng.integers(15, 60))) for _ in range(8)]
    out = {"music": music, "real": real, "features": {}, "comparison": []}
    values = {name: [features(p) for p in out[name]] for name in ("music", "real")}
    for name, pieces in values.items():
        out["features"][name] = [[[round(float(x), 9) for x in f] for f in piece] for piece in pieces]
    for i in range(9):
        one, other = ([p[i] for p in values[name]] for name in ("music", "real"))
        between = distances(itertools.product(one, other))
        row = compare(distances(itertools.permutations(other, 2)), between)
        own = compare(distances(itertools.permutations(one, 2)), between)
        row |= {"music_overlap": own["overlap"], "music_divergence": own["divergence"]}
        out["comparison"].append({key: round(float(value), 9) for key, value in row.items()})
    print(json.dumps(out, separators=(",", ":")))


if __name__ == "__main__":
    main()
