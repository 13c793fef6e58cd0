"""What else goes on: how much of the CPU strangers took, and how much memory a process took at most. Linux only."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

# More than this of all cores, and figures of more than this spread are not to be reported.
STRANGERS_MAX = 0.05
SPREAD_MAX = 0.15


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


def _used(roots: list[int]) -> float:
    """Seconds of CPU that these processes and all below them have had; those that ended count with their parents."""
    children, waiting, total = _children(), list(roots), 0
    while waiting:
        pid = waiting.pop()
        waiting += children.get(pid, [])
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def _machine() -> tuple[float, float]:
    """Seconds in which some core was busy, and in which the hypervisor gave one to others."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    ticks = os.sysconf("SC_CLK_TCK")
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / ticks, fields[7] / ticks


@dataclass
class Strangers:
    """The CPU that went elsewhere since this was made, as a share of all cores."""

    roots: list[int]

    def __post_init__(self) -> None:
        self._began, self._ours, (self._busy, self._stolen) = time.monotonic(), _used(self.roots), _machine()

    def share(self) -> float:
        busy, _ = _machine()
        passed = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        others = (busy - self._busy) - (_used(self.roots) - self._ours)
        return max(0.0, others / passed) if passed else 0.0


def memory_peak(pid: int) -> int:
    """Bytes of memory that the process has held at most (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the process has ended")
