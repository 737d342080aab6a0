#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks which folder includes which: usage includes_test.py PROJECT-FOLDER.

Layers, top to bottom: tools, train and generate, models and io and render, nn and music, backend,
kernels, core. A folder includes itself, what the table allows, and the public headers; of the backends
those of CUDA alone include kernels. Kernel files also keep to what runs under emulation, vector files to
what compiles where there is one instruction set, as on Arm.
"""
import pathlib
import re
import sys

CORE = {"core"}
BACKEND = CORE | {"backend"}
NN = BACKEND | {"nn"}
MUSIC = CORE | {"music"}
IO = CORE | {"io"}
MODELS = NN | IO | {"models"}
ALLOWED = {
    "src/core": CORE,
    "src/backend": BACKEND | {"kernels"},
    "src/nn": NN,
    "src/music": MUSIC,
    "src/io": IO,
    "src/render": CORE | {"render"},
    "src/models": MODELS,
    "src/train": MODELS | {"train"},
    "src/generate": MODELS | {"generate"},
    "tools": {"io", "tools"},
}
# The reference shares no arithmetic with what it checks.
FORBIDDEN = {"src/backend/reference": {"backend/cpu/"}}
# Dependencies are private: a consumer of the library needs none of their headers.
NOT_PUBLIC = re.compile(r"nlohmann|toml\+\+|CLI/|cblas|lapack|png\.h|hwy/|cuda|cudnn|nccl|mpi\.h|spdlog|fmt/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES)


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def check_layers(root):
    problems = []
    for top in sorted({p.parent for p in sources(root / "src") + sources(root / "tools")}):
        name = str(top.relative_to(root))
        layer = "/".join(name.split("/")[:2]) if name.startswith("src/") else name.split("/")[0]
        if layer not in ALLOWED:
            problems.append(f"{name}: no row in the table of {__file__}")
            continue
        for path in sorted(p for p in top.iterdir() if p.suffix in SUFFIXES):
            for kind, target in includes(path):
                where = f"{path.relative_to(root)} includes {target}"
                for forbidden in FORBIDDEN.get(name, set()):
                    if target.startswith(forbidden):
                        problems.append(f"{where}: {name} must not use {forbidden}")
                if kind == "<" or target.startswith("cadenza/") or "/" not in target:
                    continue
                if target.split("/")[0] not in ALLOWED[layer]:
                    problems.append(f"{where}: {layer} may use {sorted(ALLOWED[layer])} only")
    return problems


def check_public_headers(root):
    problems = []
    for path in sources(root / "include"):
        for kind, target in includes(path):
            where = f"{path.relative_to(root)} includes {target}"
            if NOT_PUBLIC.search(target):
                problems.append(f"{where}: a dependency must stay private")
            if kind == '"' and not target.startswith("cadenza/"):
                problems.append(f"{where}: not a public header")
    return problems


# In device code only the device layer knows of CUDA's own spellings.
NOT_EMULATED = re.compile(r"<<<|\basm\b|__shared__|__activemask|__CUDA_ARCH__|__constant__|\bprintf\(")
CUDA_HEADERS = {"cuda_runtime_api.h", "cub/cub.cuh"}


def check_kernels(root):
    problems = []
    for path in sources(root / "kernels"):
        name = path.relative_to(root)
        for kind, target in includes(path):
            known = "." not in target or target in CUDA_HEADERS  # a header of the language, or these
            layer = target.split("/")[0]
            if layer not in {"kernels", "core", "cadenza"} and not known and "device" not in name.parts:
                problems.append(f"{name} includes {target}: kernels include kernels/device/kernel.h")
        if "device" in name.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = NOT_EMULATED.search(line.split("//")[0])
            if found:
                problems.append(f"{name}:{number}: {found[0]} cannot be emulated, see docs/extending.md")
    for path in sources(root / "src"):
        name = str(path.relative_to(root))
        if name.startswith("src/backend/cuda/"):
            continue
        for kind, target in includes(path):
            if target.startswith("kernels/"):
                problems.append(f"{name} includes {target}: only src/backend/cuda may")
    return problems


# Highway puts the name of the instruction set before what is given.
QUALIFIED_DISPATCH = re.compile(r"HWY_DYNAMIC_DISPATCH\(\s*(\w*::\w+)")


def check_dispatch(root):
    problems = []
    for path in sources(root / "src") + sources(root / "tests"):
        for name in QUALIFIED_DISPATCH.findall(path.read_text(encoding="utf-8")):
            problems.append(f"{path.relative_to(root)}: HWY_DYNAMIC_DISPATCH({name}) needs a plain name")
    return problems


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    problems = check_layers(root) + check_public_headers(root) + check_kernels(root) + check_dispatch(root)
    print("\n".join(problems) or "every include is allowed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
