"""Bounded waiting. Nothing here sleeps for a fixed time and hopes."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

STEP_SECONDS = 0.02


def until(what: str, condition: Callable[[], Any], *, seconds: float = 20) -> Any:
    """Asks again and again until the condition is truthy, and returns what it was; fails when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(STEP_SECONDS)


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs the calls in parallel, let go at the same moment, and returns what they returned, in order."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(timeout=20)
        return call()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return list(pool.map(run, calls))
