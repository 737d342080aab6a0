# SPDX-License-Identifier: Apache-2.0
"""Makes miditok_remi.json: REMI vocabularies and token ids of a small score by MidiTok 3.1.0.

pip install miditok==3.1.0; python make_miditok_remi.py > miditok_remi.json
"""
import json

from miditok import REMI, TokenizerConfig
from symusic import Note, Score, TimeSignature, Track

# Ticks of 480 a quarter; 3/4 with an upbeat that is off the grid, then 6/8. No key is struck again
# while it sounds, notes that start together have one length, and no time is near the middle of two
# steps: there MidiTok differs (it rounds to eighths of the finest beat before that of the metre).
METRES = [(0, 3, 4), (4320, 6, 8)]
NOTES = [
    # start, end, pitch, velocity
    (955, 1440, 60, 1), (955, 1440, 64, 64), (1440, 1460, 62, 65), (1620, 1690, 67, 100),
    (1930, 4300, 21, 127), (2100, 2820, 72, 90), (2880, 4140, 109, 33), (3360, 10000, 40, 3),
    (4320, 4560, 70, 80), (4440, 4500, 71, 81), (4570, 4800, 74, 82), (5760, 6480, 76, 83),
    (11000, 11230, 77, 84),
]


def score():
    result = Score(480)
    result.time_signatures.extend([TimeSignature(*metre) for metre in METRES])
    track = Track(program=0)
    track.notes.extend([Note(s, e - s, pitch, velocity) for s, e, pitch, velocity in NOTES])
    result.tracks.append(track)
    return result


def names(tokenizer):
    return [name for name, _ in sorted(tokenizer.vocab.items(), key=lambda item: item[1])]


result = {"metre_changes": METRES, "notes": NOTES}
for key, config in (("plain", TokenizerConfig(use_time_signatures=False)), ("metres", TokenizerConfig())):
    tokenizer = REMI(config)
    result[key] = {"vocabulary": names(tokenizer), "ids": tokenizer(score())[0].ids}
print(json.dumps(result))
