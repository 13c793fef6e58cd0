"""Charts as SVG that needs no script and follows the colours that the reader's system prefers."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH = 860
_LABEL, _BAR, _GAP, _TOP, _SIDE = 330, 16, 12, 66, 20
_WORDS = 170
_STYLE = """
    svg { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    .ground { fill: #ffffff; } .text { fill: #1c2024; } .soft { fill: #5a6068; } .title { font-size: 16px; font-weight: 600; }
    .ours { fill: #0b5f66; } .theirs { fill: #b4b0a6; } .bad { fill: #a8201a; } .line { stroke: #767d86; } .grid { stroke: #dedbd3; }
    .halo { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
    .path { fill: none; stroke-width: 2; } .c0 { stroke: #0b5f66; } .c1 { stroke: #a8201a; } .c2 { stroke: #7a4fa3; } .c3 { stroke: #b26a00; }
    .c4 { stroke: #2a6fb8; } .c5 { stroke: #1d6b3a; } .c6 { stroke: #5a6068; }
    @media (prefers-color-scheme: dark) {
        .ground { fill: #131618; } .text { fill: #e8e6e1; } .soft { fill: #a7adb4; } .ours { fill: #5cc2c7; } .theirs { fill: #5b6168; }
        .halo { stroke: #131618; } .bad { fill: #ff8f87; } .line { stroke: #818a93; } .grid { stroke: #343a3f; } .c0 { stroke: #5cc2c7; } .c1 { stroke: #ff8f87; }
        .c2 { stroke: #c3a1e8; } .c3 { stroke: #f0b25a; } .c4 { stroke: #7fb5ef; } .c5 { stroke: #79cf97; } .c6 { stroke: #a7adb4; }
    }
"""


@dataclass(frozen=True)
class Bar:
    """A row of a chart: what it is called in one line or two, and its bars as length, class and words."""

    label: str
    # Beside the second bar.
    second: str
    bars: Sequence[tuple[float, str, str]]


def _text(x: float, y: float, words: str, kind: str = "text", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _whole(title: str, note: str, height: float, parts: Sequence[str], told: str) -> str:
    head = [_text(_SIDE, 28, title, "text title"), _text(_SIDE, 48, note, "soft")]
    body = "\n".join([*head, *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-labelledby="title told">\n<title id="title">{escape(title)}</title>\n<desc id="told">{escape(told)}</desc>\n'
        f'<style>{_STYLE}</style>\n<rect class="ground" width="{WIDTH}" height="{height:.0f}" rx="8"/>\n{body}\n</svg>\n'
    )


def bars(title: str, note: str, rows: Sequence[Bar], longest: float, mark: float | None = None) -> str:
    """Lying bars; `mark` is a length at which a line stands."""
    room = WIDTH - _LABEL - _WORDS - _SIDE
    parts, y = [], float(_TOP)
    for row in rows:
        for number, label in enumerate(filter(None, (row.label, row.second))):
            parts.append(_text(_LABEL - 10, y + (number + 1) * _BAR - 4, label, "soft" if number else "text", "end"))
        for number, (length, kind, words) in enumerate(row.bars):
            width, at = max(2.0, room * min(length, longest) / longest), y + number * _BAR
            parts.append(f'<rect x="{_LABEL}" y="{at:.1f}" width="{width:.1f}" height="{_BAR - 2}" rx="2" class="{kind}"/>')
            parts.append(_text(_LABEL + width + 6, at + _BAR - 4, words, "soft halo"))
        y += _BAR * len(row.bars) + _GAP
    if mark is not None:
        x = _LABEL + room * mark / longest
        parts.insert(0, f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{y:.1f}" class="line" stroke-dasharray="4 3"/>')
    told = "; ".join(f"{row.label}{row.second and f' / {row.second}'}: {', '.join(words for _, _, words in row.bars)}" for row in rows)
    return _whole(title, note, y + 8, parts, told)


def lines(title: str, note: str, names: Sequence[str], ticks: Sequence[str], series: Sequence[Sequence[float]], unit: str) -> str:
    """One line for each name through the same ticks, on a scale of logarithms to ten, 1 at the least."""
    values = [value for each in series for value in each]
    low, high = floor(log10(min(values))), max(ceil(log10(max(values))), floor(log10(min(values))) + 1)
    left, right, bottom = 70, WIDTH - 190, _TOP + 260
    x = [left + (right - left) * number / max(1, len(ticks) - 1) for number in range(len(ticks))]

    def y(value: float) -> float:
        return bottom - (bottom - _TOP - 10) * (log10(value) - low) / (high - low)

    parts = []
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<line x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        parts.append(_text(left - 8, at + 4, f"{10.0**power:g} {unit}", "soft", "end"))
    parts += [_text(at, bottom + 22, tick, "soft", "middle") for at, tick in zip(x, ticks, strict=True)]
    # Words at the end of each line, pushed apart where they would lie on each other.
    ends, last = {}, float("-inf")
    for number in sorted(range(len(series)), key=lambda number: y(series[number][-1])):
        last = ends[number] = max(y(series[number][-1]) + 4, last + 16)
    for number, (name, each) in enumerate(zip(names, series, strict=True)):
        points = " ".join(f"{at:.1f},{y(value):.1f}" for at, value in zip(x, each, strict=True))
        parts.append(f'<polyline points="{points}" class="path c{number % 7}"/>')
        parts.append(_text(right + 24, ends[number], name))
        parts.append(f'<line x1="{right + 6}" x2="{right + 20}" y1="{ends[number] - 4:.1f}" y2="{ends[number] - 4:.1f}" class="path c{number % 7}"/>')
    told = "; ".join(f"{name}: {', '.join(f'{value:.3g} {unit}' for value in each)}" for name, each in zip(names, series, strict=True))
    return _whole(title, note, max(bottom + 40, last + 20), parts, told)
