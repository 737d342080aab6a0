# SPDX-License-Identifier: Apache-2.0
"""A table of rates as an SVG: one group of bars a case, one colour a series, logarithmic."""
import html
import math

COLORS = ["#1b6ca8", "#e07b39", "#5a9367", "#8d6a9f", "#b0413e", "#7f7f7f", "#c9a227", "#3fb8af",
          "#d16ba5", "#2f4858", "#a0c15a", "#b5b5d8"]
BAR, GAP, HEIGHT, LEFT, TOP, LEGEND = 14, 18, 260, 70, 60, 150


def write_svg(path, title, unit, cases, series):
    """`series`: a list of values, or None, for each name, in the order of `cases`."""
    values = [value for row in series.values() for value in row if value]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    group = BAR * len(series) + GAP
    width = LEFT + max(group * len(cases), LEGEND * len(series)) + 20

    def y(value):
        return TOP + HEIGHT * (high - math.log10(value)) / max(high - low, 1)

    def text(x, at, words, anchor="middle"):
        return f'<text x="{x:.1f}" y="{at:.1f}" text-anchor="{anchor}">{html.escape(words)}</text>'

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{TOP + HEIGHT + 40}" '
             'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>',
             text(LEFT, 18, title, "start")]
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<line x1="{LEFT}" x2="{width - 20}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ccc"/>')
        parts.append(text(LEFT - 6, at + 4, f"{10.0**power:,.0f}", "end"))
    parts.append(text(LEFT - 6, TOP - 8, unit, "end"))
    for s, (name, row) in enumerate(series.items()):
        color = COLORS[s % len(COLORS)]
        x = LEFT + LEGEND * s
        parts.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{color}"/>')
        parts.append(text(x + 14, 37, name, "start"))
        for c, value in enumerate(row):
            if value:
                left = LEFT + group * c + BAR * s + GAP / 2
                parts.append(f'<rect x="{left:.1f}" y="{y(value):.1f}" width="{BAR - 2}" '
                             f'height="{TOP + HEIGHT - y(value):.1f}" fill="{color}"/>')
    for c, case in enumerate(cases):
        parts.append(text(LEFT + group * (c + 0.5), TOP + HEIGHT + 16, case))
    path.write_text("\n".join(parts + ["</svg>", ""]))
