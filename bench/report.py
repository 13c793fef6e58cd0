"""Figures: one line each on the terminal, and all of a run in a file."""

import json
import subprocess
import time
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Literal

from .cluster import CACHE, ROOT, SETTINGS
from .machine import SPREAD_MAX, STRANGERS_MAX, Split, autogroup
from .statistics import spread

RESULTS = ROOT / "bench/results"


@dataclass
class Figure:
    """One figure. `unit` is empty for ratios."""

    name: str
    # None: it was not measured, and the note says why.
    value: float | None
    unit: str = ""
    target: float | None = None
    better: Literal["less", "more"] = "less"
    n: int = 1
    spread: float | None = None
    strangers: float = 0.0
    note: str = ""
    raw: dict[str, object] = field(default_factory=dict)
    # What is as much as the target has missed it.
    strict: bool = False
    # Why it is not what its name says.
    invalid: str = ""

    @property
    def met(self) -> bool | None:
        if self.target is None or self.value is None:
            return None
        if self.invalid or (self.strict and self.value == self.target):
            return False
        return self.value <= self.target if self.better == "less" else self.value >= self.target

    @property
    def sign(self) -> str:
        return (">" if self.better == "more" else "<") + ("" if self.strict else "=")

    @property
    def wide(self) -> bool:
        return self.spread is not None and self.spread > SPREAD_MAX

    @property
    def noisy(self) -> bool:
        return self.strangers > STRANGERS_MAX and (self.spread is None or self.wide)

    def __str__(self) -> str:
        target = f"{self.sign} {self.target:g}{self.unit}" if self.target is not None else "-"
        word = {True: "met", False: "UNMET", None: ""}[self.met]
        spread = f"{self.spread:.0%}" if self.spread is not None else "-"
        noise = f"  NOISY: strangers took {self.strangers:.0%}" if self.noisy else ""
        noise += f"  INVALID: {self.invalid}" if self.invalid else ""
        value = f"{self.value:.3g}{self.unit}" if self.value is not None else ""
        return f"{self.name:<44} {value:>10}  target {target:<9} n {self.n:<5} spread {spread:>5}  {word:<5}  {self.note}{noise}"


class Report:
    """The figures of one run of one benchmark."""

    def __init__(self, name: str, users: int) -> None:
        self.name, self.users, self.figures = name, users, []
        self._began = time.time()

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(figure, flush=True)

    def compare(
        self, name: str, target: float | None, ours: list[float], theirs: list[float], split: Split, other: str, note: str = "", each: str = "/s"
    ) -> None:
        """What usher does over what the other does, in turns; more is better."""
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        told = f"usher {median(ours):,.0f}{each}, {other} {median(theirs):,.0f}{each}; {split}" + (f"; {note}" if note else "")
        raw = {"usher": ours, "other": theirs, "cpu_seconds": split.seconds}
        self.add(Figure(name, median(ratios), "", target, "more", len(ratios), spread(ratios), split.strangers, told, raw))

    def write(self) -> None:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        kept = {
            "name": self.name,
            "users": self.users,
            "commit": commit.stdout.strip(),
            "began_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._began)),
            "seconds": round(time.time() - self._began, 1),
            "autogroup": autogroup(),
            "postgresql": SETTINGS,
            "figures": [asdict(figure) | {"met": figure.met, "noisy": figure.noisy} for figure in self.figures],
        }
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}-{self.users}.json").write_text(json.dumps(kept, indent=1) + "\n")


def results(name: str, users: int) -> dict[str, float | None]:
    """The values of an earlier run, if there was one."""
    place = RESULTS / f"{name}-{users}.json"
    return {figure["name"]: figure["value"] for figure in json.loads(place.read_text())["figures"]} if place.exists() else {}


__all__ = ["CACHE", "Figure", "Report", "results"]
