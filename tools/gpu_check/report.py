#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Merges what the parts of a check left behind into one JSON and one Markdown file.

    report.py gate WORK                   exit status 0 if nothing is wrong so far
    report.py write WORK OUTPUT FACT...   writes OUTPUT/DATE-DEVICE-COMMIT.{json,md} and prints the
                                          comparisons; FACT is key=value (date, commit, forced)
    report.py template OUTPUT             writes OUTPUT/template.md, a result without measurements

Exit status of write: 0 correct and every comparison reached, 2 not correct, 3 correct but a
comparison was missed or lacks a side.
"""
import dataclasses
import json
import pathlib
import re
import sys

import comparisons
import parts
import table


def is_correct(found):
    """Whether every part of correctness is right; None if there is none. A sanitizer that is not
    present proves nothing wrong, but tests must have passed on the device."""
    checks = [part for part in found if part.group == "correctness"]
    if not checks:
        return None
    return tested(checks) and all(part.status in (parts.OK, parts.NOT_PRESENT) for part in checks)


def tested(checks):
    return any(part.kind == "tests" and part.status == parts.OK for part in checks)


def may_measure(found):
    """Whether speed is worth measuring: as above, but a sanitizer may run out of time."""
    checks = [part for part in found if part.group == "correctness"]
    slow = [part for part in checks if part.kind == "sanitizer" and part.status == parts.TIMED_OUT]
    return bool(is_correct([part for part in checks if part not in slow]))


def name_of(device, facts):
    """DATE-DEVICE-COMMIT in letters, digits and dashes."""
    words = [facts.get("date", "undated")[:10], device.get("name", "unknown device"),
             facts.get("commit", "unknown")]
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def merge(found, facts):
    """The whole result as plain data."""
    device = {}
    for part in found:
        if part.kind == "device":
            device.update(part.facts)
    rows = [row for part in found for row in part.rows]
    listed = [{key: value for key, value in dataclasses.asdict(part).items() if key != "rows"}
              for part in found]
    return {"format": 1, "name": name_of(device, facts), **facts,
            "forced": facts.get("forced") == "yes", "correct": is_correct(found),
            "device": {**device, **{key: facts[key] for key in ("date", "commit") if key in facts}},
            "parts": listed, "rows": rows,
            "comparisons": [dataclasses.asdict(c) for c in comparisons.compare(rows)]}


def exit_status(result):
    if not result["correct"]:
        return 2
    return 0 if all(c["met"] for c in result["comparisons"] if c["required"]) else 3


def write(work, output, facts):
    result = merge(parts.read_parts(work), facts)
    output.mkdir(parents=True, exist_ok=True)
    (output / (result["name"] + ".json")).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    (output / (result["name"] + ".md")).write_text(table.render(result), "utf-8")
    print("\n".join(table.table(
        ["claim", "case", "ours", "theirs", "factor", "required", "reached", "note"],
        table.comparison_rows(result))))
    print(table.verdict(result))
    print(f"wrote    : {output / result['name']}.json and .md")
    return exit_status(result)


def template(output):
    result = merge([], {})
    result.update(name="Template of a GPU check", device={})
    (output / "template.md").write_text(table.render(result), "utf-8")
    return 0


def main():
    command, *arguments = sys.argv[1:] or [""]
    if command == "gate" and len(arguments) == 1:
        return 0 if may_measure(parts.read_parts(arguments[0])) else 1
    if command == "write" and len(arguments) >= 2:
        facts = dict(fact.split("=", 1) for fact in arguments[2:])
        return write(pathlib.Path(arguments[0]), pathlib.Path(arguments[1]), facts)
    if command == "template" and len(arguments) == 1:
        return template(pathlib.Path(arguments[0]))
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main())
