"""Figures: one line each on the terminal, and all of a run in a file."""

import json
import subprocess
import time
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Literal

from .cluster import CACHE, ROOT, SETTINGS
from .machine import SPREAD_MAX, STRANGERS_MAX, Split
from .statistics import spread

RESULTS = ROOT / "bench/results"


@dataclass
class Figure:
    """One figure. `unit` is empty for ratios."""

    name: str
    value: float
    unit: str = ""
    target: float | None = None
    better: Literal["less", "more"] = "less"
    n: int = 1
    spread: float | None = None
    strangers: float = 0.0
    note: str = ""
    raw: dict[str, object] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value <= self.target if self.better == "less" else self.value >= self.target

    @property
    def noisy(self) -> bool:
        return self.strangers > STRANGERS_MAX and (self.spread is None or self.spread > SPREAD_MAX)

    def __str__(self) -> str:
        sign = "<=" if self.better == "less" else ">="
        target = f"{sign} {self.target:g}{self.unit}" if self.target is not None else "-"
        word = {True: "met", False: "UNMET", None: ""}[self.met]
        spread = f"{self.spread:.0%}" if self.spread is not None else "-"
        noise = f"  NOISY: strangers took {self.strangers:.0%}" if self.noisy else ""
        value = f"{self.value:.3g}{self.unit}"
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
            "postgresql": SETTINGS,
            "figures": [asdict(figure) | {"met": figure.met, "noisy": figure.noisy} for figure in self.figures],
        }
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{self.name}-{self.users}.json").write_text(json.dumps(kept, indent=1) + "\n")


def results(name: str, users: int) -> dict[str, float]:
    """The values of an earlier run, if there was one."""
    place = RESULTS / f"{name}-{users}.json"
    return {figure["name"]: figure["value"] for figure in json.loads(place.read_text())["figures"]} if place.exists() else {}


__all__ = ["CACHE", "Figure", "Report", "results"]
