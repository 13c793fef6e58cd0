"""What else goes on: who had how much of the CPU, and how much memory a process holds. Linux only."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

# More than this of all cores, and figures of more than this spread are not to be reported.
STRANGERS_MAX = 0.05
SPREAD_MAX = 0.15
CORES = len(os.sched_getaffinity(0))
_AUTOGROUP = Path("/proc/sys/kernel/sched_autogroup_enabled")


def autogroup() -> bool:
    """Whether Linux shares the CPU out by sessions before it does by threads (sched(7), "The autogroup feature")."""
    return _AUTOGROUP.exists() and _AUTOGROUP.read_text().strip() != "0"


@contextmanager
def without_autogroup() -> Iterator[None]:
    """Meanwhile it shares the CPU out by threads, if we may say so: the sessions would be the servers, and what one of them sets below
    everything else would not be below the others."""
    before = autogroup()
    if before:
        with suppress(OSError):
            _AUTOGROUP.write_text("0")
    try:
        yield
    finally:
        if before and not autogroup():
            _AUTOGROUP.write_text("1")


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    return children


def _used(roots: list[int], without: list[int] | None = None) -> float:
    """Seconds of CPU that these processes and all below them have had; those that ended count with their parents."""
    children, waiting, seen, total = _children(), list(roots), set(without or []), 0
    while waiting:
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        waiting += children.get(pid, [])
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def _machine() -> float:
    """Seconds in which some core was busy, or the hypervisor gave it to others."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


@dataclass
class Strangers:
    """The CPU that went elsewhere since this was made, as a share of all cores."""

    roots: list[int]

    def __post_init__(self) -> None:
        self._began, self._ours, self._busy = time.monotonic(), _used(self.roots), _machine()

    def share(self) -> float:
        passed = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        others = (_machine() - self._busy) - (_used(self.roots) - self._ours)
        return max(0.0, others / passed) if passed else 0.0


@dataclass
class Split:
    """Seconds of CPU, added up over the halves that are measured, of the servers, PostgreSQL, this program with its generators, and
    everybody else."""

    servers: list[int]
    postgres: int
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("server", "PostgreSQL", "generator", "strangers", "all"), 0.0))

    def __enter__(self) -> None:
        self._before = self._now()

    def __exit__(self, *_: object) -> None:
        passed = {name: after - self._before[name] for name, after in self._now().items()}
        ours = sum(passed[name] for name in ("server", "PostgreSQL", "generator"))
        # Of a short half the machine may tell less than the processes do: what is left over is judged when all are added up.
        passed["strangers"] -= ours
        for name, seconds in passed.items():
            self.seconds[name] += seconds

    def _now(self) -> dict[str, float]:
        known = [*self.servers, self.postgres]
        return {
            "server": _used(self.servers),
            "PostgreSQL": _used([self.postgres]),
            "generator": _used([os.getpid()], without=known),
            "strangers": _machine(),
            "all": time.monotonic() * CORES,
        }

    @property
    def strangers(self) -> float:
        return max(0.0, self.seconds["strangers"] / self.seconds["all"]) if self.seconds["all"] else 0.0

    def __str__(self) -> str:
        """Shares of what these three had: `CPU 38/42/20`."""
        parts = [self.seconds[name] for name in ("server", "PostgreSQL", "generator")]
        whole = sum(parts) or 1.0
        return "CPU " + "/".join(f"{part / whole:.0%}".rstrip("%") for part in parts)


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the process has ended")


def memory_peak(pid: int) -> int:
    """Bytes of memory that the process has held at most (VmHWM), since it began or since `forget_peak`."""
    return _status(pid, "VmHWM")


def memory(pid: int) -> int:
    """Bytes of memory that the process holds (VmRSS)."""
    return _status(pid, "VmRSS")


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
