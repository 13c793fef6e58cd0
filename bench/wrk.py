"""wrk: as many requests as a number of connections can get answered, one after the other on each."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPTS = Path(__file__).resolve().parent / "scripts"


@dataclass(frozen=True)
class Load:
    """What came of a load."""

    count: int
    # Of those that were answered well.
    rate: float
    p50_ms: float
    p99_ms: float
    # Answers of 400 and above, and connections that broke.
    failed: int


def load(base_url: str, script: str, connections: int, seconds: int, *given: str, may_fail: bool = False) -> Load:
    """Runs `scripts/NAME.lua`, which is given these words. One thread: the generator is to leave the cores to whom it measures."""
    program = shutil.which("wrk")
    assert program, "wrk is not installed"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as whole:
        whole.write((_SCRIPTS / f"{script}.lua").read_text() + (_SCRIPTS / "done.lua").read_text())
        whole.flush()
        command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", whole.name, base_url, "--", *given]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    assert ended.returncode == 0, f"wrk ended with {ended.returncode}: {ended.stderr[-2000:]}{ended.stdout[-2000:]}"
    found = json.loads(ended.stdout.rpartition("figures: ")[2])
    good = found["requests"] - found["status"]
    failed = found["status"] + found["broken"]
    assert may_fail or not failed, f"{failed} of {found['requests']} requests failed: {ended.stdout[-1000:]}"
    return Load(good, good / found["seconds"], found["p50_ms"], found["p99_ms"], failed)
