#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registers and memory of every kernel, from what ptxas prints (-Xptxas=-v), against the kept table.

usage: resources.py LOG TABLE [--update]

Fails where a kernel spills, where it takes more registers or shared memory than the table says, and
where table and kernels do not match; --update writes the table anew instead (spills still fail).
"""
import re
import subprocess
import sys

COLUMNS = ("registers", "static shared bytes", "spilled bytes", "stack bytes")
ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


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


def demangle(names):
    text = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True,
                          check=True).stdout
    short = text.replace("cadenza::kernels::", "").replace("(anonymous namespace)::", "")
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


def problems(rows, kept):
    found = []
    for key, row in sorted(rows.items()):
        label = " ".join(key)
        if key not in kept:
            found.append(f"{label}: not in the table")
            continue
        for column in COLUMNS:
            if row[column] > kept[key][column]:
                found.append(f"{label}: {row[column]} {column}, the table says {kept[key][column]}")
    found += [f"{' '.join(key)}: in the table, but no kernel" for key in sorted(kept.keys() - rows)]
    return found


def main(arguments):
    update = "--update" in arguments
    paths = [argument for argument in arguments if argument != "--update"]
    if len(paths) != 2:
        sys.exit(__doc__)
    with open(paths[0], encoding="utf-8", errors="replace") as file:
        kernels = parse(file.read())
    if not kernels:
        sys.exit(f"{paths[0]}: ptxas says nothing of any kernel, expected a full build's output")
    names = demangle([name for _, name in kernels])
    rows = {(key[0], name): row for (key, row), name in zip(kernels.items(), names)}
    print(render(rows))
    failures = [f"{' '.join(key)}: spills {row['spilled bytes']} bytes" for key, row in rows.items()
                if row["spilled bytes"]]
    if update:
        with open(paths[1], "w", encoding="utf-8") as file:
            file.write(render(rows))
    else:
        failures += problems(rows, read_table(paths[1]))
    for failure in failures:
        print("resources:", failure, file=sys.stderr)
    print(f"resources: {len(rows)} kernels, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
