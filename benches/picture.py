"""picture.py RESULTS.json PICTURE.svg: draws what `make bench` has found. Of Python's own library alone;
the picture follows the reader's choice of light or dark."""

import json
import math
import sys
from html import escape

WIDTH, PANEL, HEIGHT, GAP = 980, 460, 270, 30
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 64, 42
NAMES = 120

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #57606a }
  .grid { stroke: #d0d7de; stroke-width: 1 } .end { text-anchor: end } .middle { text-anchor: middle }
  .line { fill: none; stroke-width: 2 } .paper { fill: #ffffff }
  .c0 { stroke: #cf4a00; fill: #cf4a00 } .c1 { stroke: #0969da; fill: #0969da }
  .c2 { stroke: #1a7f37; fill: #1a7f37 } .c3 { stroke: #8250df; fill: #8250df }
  .c4 { stroke: #6e7781; fill: #6e7781 } text[class*=c] { stroke: none } path[class*=c] { fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #30363d } .paper { fill: #0d1117 }
    .c0 { stroke: #ff8a4c; fill: #ff8a4c } .c1 { stroke: #58a6ff; fill: #58a6ff }
    .c2 { stroke: #3fb950; fill: #3fb950 } .c3 { stroke: #bc8cff; fill: #bc8cff }
    .c4 { stroke: #9198a1; fill: #9198a1 } path[class*=c] { fill: none }
  }
"""


def number(value):
    """Short enough for an axis: 350, 1.2k, 3M."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def time(ns):
    for limit, unit in ((1e6, "ms"), (1e3, "µs")):
        if ns >= limit:
            return f"{ns / limit:.3g} {unit}"
    return f"{ns:.3g} ns"


class Panel:
    """A diagram at a place of the picture: its frame, axes, and what is drawn in them."""

    def __init__(self, place, title, below):
        self.x, self.y = place % 2 * (PANEL + GAP) + 15, place // 2 * (HEIGHT + GAP) + 50
        self.parts = [self.text(0, 18, title, "title"), self.text(PANEL / 2 + 20, HEIGHT - 4, below, "small middle")]

    def text(self, x, y, text, kind=""):
        return f'<text x="{self.x + x:.1f}" y="{self.y + y:.1f}" class="{kind}">{escape(text)}</text>'

    def across(self, part):
        return LEFT + part * (PANEL - LEFT - RIGHT)

    def up(self, part):
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    def scale(self, low, high, show, logarithmic):
        """Draws the horizontal lines; returns where a value is, from 0 to 1."""
        if logarithmic:
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
            marks = [10**at for at in range(round(math.log10(low)), round(math.log10(high)) + 1)]
            place = lambda value: math.log(max(value, low) / low) / math.log(high / low)
        else:
            step = 10 ** math.floor(math.log10(high))
            step = next(step * part for part in (0.2, 0.5, 1, 2) if high / (step * part) <= 5)
            high = math.ceil(high / step) * step
            marks = [step * at for at in range(round(high / step) + 1)]
            place = lambda value: value / high
        for mark in marks:
            y = self.up(place(mark))
            self.parts.append(
                f'<line x1="{self.x + LEFT}" x2="{self.x + PANEL - RIGHT}" y1="{self.y + y:.1f}" y2="{self.y + y:.1f}" class="grid"/>'
            )
            self.parts.append(self.text(LEFT - 8, y + 4, show(mark), "small end"))
        return place

    def lines(self, names, series, show, logarithmic=False):
        """Each series is a name and a value (or None) for each name below."""
        values = [value for _, line in series for value in line if value]
        place = self.scale(min(values), max(values), show, logarithmic)
        at = [self.across((i + 0.5) / len(names)) for i in range(len(names))]
        for x, name in zip(at, names):
            self.parts.append(self.text(x, HEIGHT - BOTTOM + 18, name, "small middle"))
        for color, (name, line) in enumerate(series):
            points = [(x, self.up(place(value))) for x, value in zip(at, line) if value]
            path = " ".join(f"{self.x + x:.1f},{self.y + y:.1f}" for x, y in points)
            self.parts.append(f'<path d="M {path}" class="line c{color}"/>')
            for x, y in points:
                self.parts.append(f'<circle cx="{self.x + x:.1f}" cy="{self.y + y:.1f}" r="3" class="c{color}"/>')
            if len(series) > 1:
                x, y = LEFT + color % 3 * NAMES, 38 + color // 3 * 15
                self.parts.append(self.text(x, y, "● " + name, f"c{color}"))
        if len(series) == 1:
            for (x, y), value in zip(points, [value for value in series[0][1] if value]):
                self.parts.append(self.text(x + 4, y - 9, show(value), "small end"))

    def bars(self, rows, show):
        """Each row is a name and a value; drawn from the left."""
        high = max(value for _, value in rows)
        for at, (name, value) in enumerate(rows):
            y = TOP - 20 + at * (HEIGHT - TOP - BOTTOM + 20) / len(rows)
            width = max(1, value / high * (PANEL - NAMES - RIGHT - 50))
            self.parts.append(
                f'<rect x="{self.x + NAMES}" y="{self.y + y:.1f}" width="{width:.1f}" height="20" class="c{color_of(at)}"/>'
            )
            self.parts.append(self.text(NAMES - 10, y + 14, name, "end"))
            self.parts.append(self.text(NAMES + width + 8, y + 14, show(value), "small"))


def color_of(row):
    """Ours, and the others."""
    return 0 if row == 0 else 4


def draw(results):
    found = {(f["group"], f["case"], f["metric"]): f["median"] for f in results["figures"]}

    def cases(group):
        return list(dict.fromkeys(case for of, case, _ in found if of == group))

    beside = "capture, beside others"
    points = ["p50", "p90", "p99", "p99.9"]
    names = cases(beside)
    panels = []

    panel = Panel(0, "A capture with three properties, for who calls it", "of calls take no longer than")
    series = [(name.split()[0], [found.get((beside, name, point)) for point in points]) for name in names]
    panel.lines(["50 %", "90 %", "99 %", "99.9 %"], series, time, logarithmic=True)
    panels.append(panel)

    panel = Panel(1, "Captured and delivered, with gzip", "events a second, in bursts of 5,000, to a receiver on the same cores")
    panel.bars([(name.split()[0], found[beside, name, "gzip/s"]) for name in names], number)
    panels.append(panel)

    panel = Panel(2, "Captures a second by threads", "threads; the sender and the receiver are on the same cores")
    threads = [case for case in (f"{n} thread{'s' * (n > 1)}" for n in (1, 2, 4, 8)) if ("capture", case, "calls/s") in found]
    panel.lines([case.split()[0] for case in threads], [("", [found["capture", case, "calls/s"] for case in threads])], number)
    panels.append(panel)

    for place, group, title, below in (
        (3, "cost by number of properties", "A capture by its number of properties", "properties, strings of ten bytes"),
        (4, "cost by bytes of one property", "A capture by the size of its property", "bytes of one string"),
        (5, "cost by clients", "A capture by the number of clients", "clients, taking turns"),
    ):
        panel = Panel(place, title, below)
        names = cases(group)
        panel.lines(names, [("", [found[group, case, "ns"] for case in names])], time, logarithmic=True)
        panels.append(panel)

    height = 50 + 3 * (HEIGHT + GAP) + 20
    machine = f"{results['library']}, {results['date']}: {results['cores']} cores, {results['processor']}, {results['kernel']}"
    parts = [part for panel in panels for part in panel.parts]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
            f"<title>What libposthog costs</title><style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" class="paper"/>',
            f'<text x="15" y="26" class="small">{escape(machine)}; medians of {results["rounds"]} rounds</text>',
            *parts,
            "</svg>\n",
        ]
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(draw(results))


main()
