# SPDX-License-Identifier: Apache-2.0
"""What the parts of a check left behind, read back: one folder a part, with a file `meta` of
`key=value` lines and the part's stdout, stderr and test report. Nothing that a part was to do
disappears: what is missing, failed or out of time is a part with that status.
"""
import dataclasses
import json
import pathlib
import re

OK, FAILED, TIMED_OUT, NOT_PRESENT, NOT_RUN = "ok", "failed", "timed out", "not present", "not run"


@dataclasses.dataclass
class Part:
    name: str
    group: str  # "facts", "correctness" or "speed"
    kind: str
    status: str = FAILED
    detail: str = ""
    seconds: float = 0.0
    limit: float = 0.0
    rows: list = dataclasses.field(default_factory=list)
    facts: dict = dataclasses.field(default_factory=dict)

    def lower(self, status, detail):
        """A part that ended well can still be found wanting; one that did not stays as it is."""
        if self.status == OK:
            self.status = status
        self.detail = "; ".join(text for text in (self.detail, detail) if text)


def text_of(path):
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def json_lines(text):
    """Rows of the lines that are JSON objects, and how many others look like broken ones."""
    rows, broken = [], 0
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        try:
            rows.append(json.loads(line))
        except ValueError:
            broken += 1
    return rows, broken


def read_rows(part, folder):
    rows, broken = json_lines(text_of(folder / "stdout"))
    part.rows = [row for row in rows if "bench" in row]
    if broken:
        part.detail = f"{broken} lines cut short"
    failed = [row for row in part.rows if str(row.get("status", OK)).startswith("failed")]
    if failed:
        part.lower(FAILED, f"{len(failed)} of {len(part.rows)} cases failed, first: {failed[0]['status']}")
    elif not part.rows:
        part.lower(FAILED, "no results")
    absent = [row["status"] for row in part.rows
              if row["bench"] == "peer" and str(row.get("status")).startswith(NOT_PRESENT)]
    if absent and len(absent) == len(part.rows):
        part.lower(NOT_PRESENT, absent[0].removeprefix(NOT_PRESENT + ": "))


def benchmark_row(entry):
    """A row of the common form from an entry of Google Benchmark's report."""
    words = [word for word in entry["name"].split("/") if word not in ("manual_time", "real_time")]
    words = [word for word in words if not word.startswith("iterations:")]
    case = {"backend": words[1], "precision": words[2]} if len(words) > 2 else {}
    for word in words[3:]:
        key, colon, value = word.partition(":")
        if colon:
            case[key] = int(value) if value.lstrip("-").isdigit() else value
        else:
            case["model" if word in ("S", "M", "L") else "filter"] = word
    row = {"bench": words[0], "case": case, "value": None, "unit": "us"}
    if entry.get("error_occurred"):
        return {**row, "status": "failed: " + entry.get("error_message", "no reason given")}
    row.update(value=entry.get("median_us"), p10=entry.get("p10_us"), p90=entry.get("p90_us"))
    known = ("TFLOP/s", "GB/s", "tokens/s", "draws/s", "rows/s", "us_per_step", "share_of_peak",
             "floor_us", "bytes", "samples", "label")
    return {**row, **{key: entry[key] for key in known if key in entry}, "status": OK}


def benchmark_entries(text):
    """The entries of a report, also of one that was cut short."""
    decoder = json.JSONDecoder()
    entries = []
    for match in re.finditer(r'\{\s*"name":', text):
        try:
            entries.append(decoder.raw_decode(text, match.start())[0])
        except ValueError:
            break
    return entries


def read_benchmark(part, folder):
    part.rows = [benchmark_row(entry) for entry in benchmark_entries(text_of(folder / "stdout"))]
    failed = [row for row in part.rows if row["status"] != OK]
    if failed:
        part.lower(FAILED, f"{len(failed)} of {len(part.rows)} cases failed, first: {failed[0]['status']}")
    elif not part.rows:
        part.lower(FAILED, "no results")


def read_tests(part, folder):
    """A device that no test ran on has passed nothing."""
    try:
        report = json.loads(text_of(folder / "report.json"))
    except ValueError:
        part.lower(FAILED, "no test report")
        return
    passed, failed, skipped = 0, [], 0
    for suite in report.get("testsuites", []):
        for test in suite.get("testsuite", []):
            if test.get("failures"):
                failed.append(f"{suite['name']}.{test['name']}")
            elif test.get("result") == "SKIPPED":
                skipped += 1
            elif test.get("result") == "COMPLETED":
                passed += 1
    part.facts = {"passed": passed, "failed": len(failed), "skipped": skipped}
    part.detail = f"{passed} passed, {len(failed)} failed, {skipped} skipped"
    if failed:
        part.lower(FAILED, "first: " + failed[0])
    elif passed == 0:
        part.lower(FAILED, "no test ran on the device")


def read_sanitizer(part, folder):
    found = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: (.*)", text_of(folder / "stdout"))
    if found:
        part.detail = found[-1].strip()
    else:
        part.lower(FAILED, "no summary of the sanitizer")
    passed = re.search(r"\[  PASSED  \] (\d+) test", text_of(folder / "stdout"))
    if not passed or passed.group(1) == "0":
        part.lower(FAILED, "no test ran under it")


def read_exact(part, folder):
    rows, _ = json_lines(text_of(folder / "stdout"))
    part.facts = rows[-1] if rows else {}
    part.detail = json.dumps(part.facts) if rows else ""
    if not rows:
        part.lower(FAILED, "no findings")


def read_training(part, folder):
    rows, _ = json_lines(text_of(folder / "stdout").replace("\n", " "))
    loss = rows[-1].get("best_valid_nll") if rows else None
    if not isinstance(loss, (int, float)):
        part.lower(FAILED, "no validation loss")
        return
    part.rows = [{"bench": "jsb_training", "case": {"backend": part.name.split()[-1]}, "value": loss,
                  "unit": "nats a frame", "status": OK, "seconds": part.seconds}]


def read_device(part, folder):
    """The first GPU of `nvidia-smi --query-gpu=... --format=csv`, and `key: value` lines."""
    text = text_of(folder / "stdout")
    lines = text.splitlines()
    table = [line for line in lines if line.startswith("csv ")]
    if len(table) >= 2:
        names = [name.strip() for name in table[0][4:].split(",")]
        part.facts = dict(zip(names, (value.strip() for value in table[1][4:].split(","))))
    for line in lines:
        key, colon, value = line.partition(": ")
        if colon and not line.startswith("csv "):
            part.facts[key] = value.strip()
    if not part.facts.get("name"):
        part.lower(FAILED, "nvidia-smi names no device")


READERS = {"rows": read_rows, "benchmark": read_benchmark, "tests": read_tests,
           "sanitizer": read_sanitizer, "exact": read_exact, "training": read_training,
           "device": read_device}


def read_part(folder):
    """One part from its folder."""
    meta = dict(line.split("=", 1) for line in text_of(folder / "meta").splitlines() if "=" in line)
    part = Part(meta.get("name", folder.name), meta.get("group", "speed"), meta.get("kind", ""),
                seconds=float(meta.get("seconds", 0)), limit=float(meta.get("limit", 0)))
    if "reason" in meta:  # it never ran
        part.status, part.detail = meta.get("status", NOT_RUN), meta["reason"]
        return part
    if "rc" not in meta:
        part.detail = "the check ended before it"
        return part
    code = int(meta["rc"])
    if code in (124, 137):
        part.status = TIMED_OUT
    elif code == 0:
        part.status = OK
    else:
        part.detail = f"exit status {code}: {last_line(text_of(folder / 'stderr'))}"
    READERS.get(part.kind, lambda *_: None)(part, folder)
    return part


def read_parts(work):
    """All parts of a check, in the order in which they began."""
    folders = sorted(path for path in pathlib.Path(work).iterdir() if path.is_dir())
    return [read_part(folder) for folder in folders]
