# SPDX-License-Identifier: Apache-2.0
"""Writes npy/*.npy with NumPy: the same small array in every type, order and version."""
import pathlib

import numpy as np

folder = pathlib.Path(__file__).parent / "npy"
folder.mkdir(exist_ok=True)
values = np.array([[1, 2, 3], [4, 5, 6]])

for code in "b1 u1 i1 i2 i4 i8 f2 f4 f8".split():
    for prefix, order in (("little", "<"), ("big", ">")):
        np.save(folder / f"{prefix}_{code}.npy", values.astype(order + code))
np.save(folder / "fortran_i4.npy", np.asfortranarray(values.astype("<i4")))
np.save(folder / "fortran_3d_big.npy", np.asfortranarray(np.arange(24, dtype=">i2").reshape(2, 3, 4)))
np.save(folder / "vector.npy", np.array([60, 64, 127], dtype="<i8"))
np.save(folder / "scalar.npy", np.array(2.5))
np.save(folder / "empty.npy", np.zeros((0, 3), dtype="<i4"))
np.save(folder / "object.npy", np.array([{}, None]), allow_pickle=True)
np.save(folder / "struct.npy", np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]))
for version in (2, 3):
    with open(folder / f"version{version}.npy", "wb") as file:
        np.lib.format.write_array(file, values.astype("<i4"), version=(version, 0))
