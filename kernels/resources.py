#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registers and memory of every kernel, from what ptxas prints (-Xptxas=-v), against the kept table.

usage: resources.py LOG [TABLE [--update]]

Fails where a kernel spills, on any architecture; where ptxas announces a loss of performance, as it does
when it serialises the products of a warpgroup (wgmma); and, on the architectures that the table has,
where a kernel takes more registers or shared memory than it says, and where table and kernels do not
match. --update writes the table anew from all architectures of the log; spills and losses still fail.
"""
import re
import subprocess
import sys

COLUMNS = ("registers", "static shared bytes", "spilled bytes", "stack bytes")
ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")
# ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to
# insufficient register resources for the wgmma pipeline in the function 'NAME'
LOSS = re.compile(r"Potential Performance Loss: (.*?)(?: in the function '(\w+)')?$")


def parse(log):
    """{(architecture, mangled name): row} of every kernel in the log."""
    kernels, current = {}, None
    for line in log.splitlines():
        if match := ENTRY.search(line):
            current = kernels.setdefault((match[2], match[1]), dict.fromkeys(COLUMNS, 0))
        elif current is None:
            continue
        elif match := STACK.search(line):
            current["stack bytes"] = int(match[1])
            current["spilled bytes"] = int(match[2]) + int(match[3])
        elif match := USED.search(line):
            current["registers"] = int(match[1])
            shared = SHARED.search(line)
            current["static shared bytes"] = int(shared[1]) if shared else 0
            current = None
    return kernels


def losses(log):
    """[(mangled name, what)] of the losses of performance that ptxas announces."""
    found = [LOSS.search(line.rstrip()) for line in log.splitlines()]
    return sorted({(match[2] or "some kernel", match[1]) for match in found if match})


def demangle(names):
    text = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True,
                          check=True).stdout
    short = text.replace("cadenza::kernels::", "").replace("(anonymous namespace)::", "")
    # CUB writes its version and the architectures of the build into its names.
    short = re.sub(r"\bCUB_\d+_SM(?:_\d+)+::", "", short)
    return [re.sub(r"\s+", " ", line) for line in short.splitlines()]


def read_table(path):
    rows = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == 2 + len(COLUMNS) and cells[2].isdigit():
                rows[cells[0], cells[1].strip("`")] = dict(zip(COLUMNS, map(int, cells[2:])))
    return rows


def render(rows):
    lines = ["| architecture | kernel | " + " | ".join(COLUMNS) + " |",
             "|---|---|" + "---:|" * len(COLUMNS)]
    for (architecture, name), row in sorted(rows.items()):
        numbers = " | ".join(str(row[column]) for column in COLUMNS)
        lines.append(f"| {architecture} | `{name}` | {numbers} |")
    return "\n".join(lines) + "\n"


def architectures(rows):
    return {architecture for architecture, _ in rows}


def problems(rows, kept):
    """Where kernels and table differ, on the architectures that both have."""
    both = architectures(rows) & architectures(kept)
    if not both:
        return [f"the table has {', '.join(sorted(architectures(kept))) or 'no kernel'}, the log "
                f"{', '.join(sorted(architectures(rows)))}: expected an architecture in common"]
    found = []
    for key, row in sorted(rows.items()):
        label = " ".join(key)
        if key[0] not in both:
            continue
        if key not in kept:
            found.append(f"{label}: not in the table")
            continue
        for column in COLUMNS:
            if row[column] > kept[key][column]:
                found.append(f"{label}: {row[column]} {column}, the table says {kept[key][column]}")
    return found + [f"{' '.join(key)}: in the table, but no kernel"
                    for key in sorted(kept.keys() - rows) if key[0] in both]


def main(arguments):
    update = "--update" in arguments
    paths = [argument for argument in arguments if argument != "--update"]
    if len(paths) not in ((2,) if update else (1, 2)):
        sys.exit(__doc__)
    with open(paths[0], encoding="utf-8", errors="replace") as file:
        log = file.read()
    kernels, lost = parse(log), losses(log)
    if not kernels:
        sys.exit(f"{paths[0]}: ptxas says nothing of any kernel, expected a full build's output")
    names = demangle([name for _, name in kernels] + [name for name, _ in lost])
    rows = {(key[0], name): row for (key, row), name in zip(kernels.items(), names)}
    print(render(rows))
    failures = [f"{' '.join(key)}: spills {row['spilled bytes']} bytes" for key, row in rows.items()
                if row["spilled bytes"]]
    failures += [f"{name}: {what}" for name, (_, what) in zip(names[len(kernels):], lost)]
    if update:
        with open(paths[1], "w", encoding="utf-8") as file:
            file.write(render(rows))
    elif len(paths) == 2:
        kept = read_table(paths[1])
        failures += problems(rows, kept)
        for architecture in sorted(architectures(rows) - architectures(kept)):
            print(f"resources: {architecture} is not in the table, so its kernels were looked at for "
                  "spills alone")
    for failure in failures:
        print("resources:", failure, file=sys.stderr)
    print(f"resources: {len(rows)} kernels, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
