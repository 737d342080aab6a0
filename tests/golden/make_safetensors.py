# SPDX-License-Identifier: Apache-2.0
"""Writes torch_style.safetensors with the safetensors package (pip install safetensors numpy)."""
import pathlib

import numpy as np
from safetensors.numpy import save_file

save_file(
    {
        "lstm.weight_ih_l0": np.arange(6, dtype=np.float32).reshape(2, 3) / 4 - 0.5,
        "half": np.array([1.0, -2.5, 65504.0, 6e-8, np.inf], dtype=np.float16),
        "double": np.array(0.1, dtype=np.float64),
        "ids": np.array([[-1, 2**40]], dtype=np.int64),
        "mask": np.array([True, False, True]),
        "empty": np.zeros((0, 4), dtype=np.int16),
    },
    pathlib.Path(__file__).parent / "torch_style.safetensors",
    metadata={"format": "pt", "note": "größer"},
)
