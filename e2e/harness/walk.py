"""A document walked as it is printed: its blocks of shell go to one bash, one after the other, and each prints what the block of
text below it says."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)
_MARK = "--end-of-step--"

# What differs from one walk to the next, in the order in which it is looked for.
_VARIABLE = [
    ("ID", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")),
    ("TIME", re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)")),
    ("NAME", re.compile(r"\b[a-z-]+\.[a-z-]+\d+\b")),
    ("NUMBER", re.compile(r"\d+(\.\d+)?")),
    (" ", re.compile(r"  +")),
]


@dataclass(frozen=True)
class Step:
    """A block of shell, and the lines that it prints; `...` stands for any lines, or within one for any text."""

    line: int
    shell: str
    printed: list[str]


def steps(document: Path) -> Iterator[Step]:
    text = document.read_text()
    found = list(_BLOCK.finditer(text))
    for number, block in enumerate(found):
        if block[1] != "sh":
            continue
        below = found[number + 1] if number + 1 < len(found) else None
        printed = below[2].splitlines() if below and below[1] == "text" else []
        yield Step(text.count("\n", 0, block.start()) + 1, block[2], printed)


def same_for_all(line: str) -> str:
    """A line without what differs."""
    for name, pattern in _VARIABLE:
        line = pattern.sub(name, line)
    return line.strip()


def missing(printed: list[str], told: str) -> str | None:
    """The first line that was not printed in its turn."""
    rest = iter([same_for_all(line) for line in told.splitlines()])
    for line in printed:
        if line.strip() in ("", "..."):
            continue
        wanted = re.compile(".*".join(map(re.escape, same_for_all(line).split("..."))))
        if not any(wanted.fullmatch(found) for found in rest):
            return line
    return None


class Walk:
    """A bash that goes on from step to step."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._bash.stdin and self._bash.stdout
        self._bash.stdin.close()
        # And what it has begun and not ended.
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait(timeout=60)
        self._bash.stdout.close()

    def take(self, step: Step, *, seconds: float) -> str:
        """Does a step; fails if it does not print what the document says. Returns what it printed."""
        told = self.type(step.shell, seconds=seconds)
        line = missing(step.printed, told)
        assert line is None, f"line {step.line}: {step.shell}\nprinted\n{told}\nand not, in its turn,\n{line}"
        return told

    def type(self, shell: str, *, seconds: float = 60) -> str:
        """Returns what it prints."""
        assert self._bash.stdin and self._bash.stdout
        self._bash.stdin.write(f"{shell}\necho {_MARK}\n".encode())
        self._bash.stdin.flush()
        deadline = time.monotonic() + seconds
        told = b""
        while not told.endswith(f"{_MARK}\n".encode()):
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"not over after {seconds} s: {shell}\n{told.decode()}"
            part = self._bash.stdout.read1(65536)
            assert part, f"bash has ended: {shell}\n{told.decode()}"
            told += part
        return told.decode().removesuffix(f"{_MARK}\n")
