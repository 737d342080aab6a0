# SPDX-License-Identifier: Apache-2.0
"""The result of a check as Markdown."""
import comparisons


def number(value):
    """Four significant digits, or "not measured" for None."""
    if value is None:
        return "not measured"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return lines + [""]


def verdict(result):
    """One sentence."""
    if result["correct"] is None:
        return "Nothing was checked: **" + comparisons.NEVER + "**."
    if not result["correct"]:
        return ("**Not correct on this device**: a part of correctness failed, was out of time or "
                "missing, so speeds " + ("below are not worth much." if result["forced"] else
                                          "were not measured (--force measures them anyway)."))
    open_ones = [c for c in result["comparisons"] if c["met"] is None and c["required"]]
    missed = [c for c in result["comparisons"] if c["met"] is False]
    absent = [part["name"] for part in result["parts"]
              if part["group"] == "correctness" and part["status"] == "not present"]
    text = "Correct on this device" + (f", without {', '.join(absent)} (not present)." if absent else ".")
    if missed:
        text += f" {len(missed)} required factors were missed."
    if open_ones:
        text += f" {len(open_ones)} comparisons lack a side."
    return text if missed or open_ones else text + " Every required factor was reached."


def comparison_rows(result):
    for c in result["comparisons"]:
        if c["factor"] is None:
            reached, factor = comparisons.NEVER, comparisons.NEVER
        else:
            reached, factor = "yes" if c["met"] else "**no**", number(c["factor"])
            if not c["required"]:
                reached = "nothing required"
        unit = " " + c["unit"]
        sides = [number(c[side]) + (unit if c[side] is not None else "") for side in ("ours", "theirs")]
        yield [c["claim"], c["case"], *sides, factor, c["required"], reached, c["note"]]


def part_rows(result):
    for part in result["parts"]:
        status = part["status"] if part["status"] == "ok" else f"**{part['status']}**"
        yield [part["name"], part["group"], status, f"{part['seconds']:.0f} s", part["detail"]]


def case_text(case):
    return ", ".join(f"{key} {number(value)}" for key, value in case.items())


def extra_text(row):
    words = [f"{number(row[key])} {key}" for key in ("tokens/s", "draws/s", "rows/s", "TFLOP/s", "GB/s")
             if key in row]
    if "share_of_peak" in row:
        words.append(f"{100 * row['share_of_peak']:.1f} % of peak")
    if row.get("us_per_step") is not None:
        words.append(f"{number(row['us_per_step'])} us a step")
    if row.get("expected"):
        words.append("expected " + row["expected"])
    if row.get("label"):
        words.append(row["label"])
    return ", ".join(words)


def measurement_rows(rows):
    for row in rows:
        status = str(row.get("status", "ok"))
        value = f"{number(row.get('value'))} {row.get('unit', '')}".strip() if status == "ok" else status
        spread = ""
        if row.get("p10") is not None and row.get("p90") is not None:
            spread = f"{number(row['p10'])} to {number(row['p90'])}"
        yield [case_text(row.get("case", {})), value, spread, extra_text(row)]


def render(result):
    """Markdown of a result."""
    lines = [f"# {result['name']}", "", verdict(result), "", "## Device", ""]
    facts = result["device"] or {"device": comparisons.NEVER}
    lines += table(["what", "value"], facts.items())
    lines += ["## Comparisons", ""]
    lines += table(["claim", "case", "ours", "theirs", "factor", "required", "reached", "note"],
                   comparison_rows(result))
    lines += ["## Parts", ""]
    lines += table(["part", "group", "status", "time", "detail"], part_rows(result))
    if not result["rows"]:
        return "\n".join(lines + ["## Measurements", "", comparisons.NEVER[0].upper()
                                  + comparisons.NEVER[1:] + ".", ""])
    lines += ["## Measurements", "", "The value is the median, the spread from the 10th to the 90th "
              "percentile.", ""]
    for bench in dict.fromkeys(row["bench"] for row in result["rows"]):
        lines += [f"### {bench}", ""]
        lines += table(["case", "value", "spread", "more"],
                       measurement_rows(row for row in result["rows"] if row["bench"] == bench))
    return "\n".join(lines)
