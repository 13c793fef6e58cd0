"""P-07, P-08 and P-14: memory, the time that a start takes, and sizes."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path
from statistics import median

from harness.server import Usher

from .. import template, wrk
from ..cluster import CACHE, ROOT
from ..load import answers, timed
from ..machine import CORES, Split, Strangers, forget_peak, memory, memory_peak
from ..options import Options
from ..people import People, lines
from ..report import Figure, Report
from ..statistics import spread
from .reads import Reads
from .sign_ins import CONNECTIONS, PATH, PEOPLE

IDLE_MAX_MB, READING_MAX_MB, AFTER_MAX_MB = 20, 30, 8
START_MAX_SECONDS, PRIVATE_START_MAX_SECONDS = 0.1, 0.6
BINARY_MAX_MB, IMAGE_MAX_MB, DEPENDENCIES_MAX = 30, 40, 70
# Of the binary: what the project promises, beside what it aims at.
_PROMISED_MB = 50
_MB = 1e6
# usher's own: an arena for each hashing thread, of which there are as many as cores and its default memory allow.
_ARENA, _HASH_MEMORY = 19_456 * 1024, 128 * 1024 * 1024
_SIGN_INS = 10_000
_QUICK_SECONDS = 60
_CALM_SECONDS = 2
_STEP_SECONDS = 0.001
_START_GIVEN_UP_SECONDS = 120


def memories(options: Options) -> None:
    report = Report("P-07", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as folder:
        people = People(site, PEOPLE)
        token, bodies = people.access_token(), lines(Path(folder), people.bodies())
        # What has signed in leaves arenas behind: the one that is measured has hashed nothing.
        site.stop()
        site.start()
        time.sleep(_CALM_SECONDS)
        idle = memory(site.pid)
        report.add(Figure("P-07 memory, idle", idle / _MB, " MB", IDLE_MAX_MB, strict=True))
        forget_peak(site.pid)
        asked, split = Reads(site, people, Path(folder)), Split([site.pid], site.cluster.pid)
        with split:
            reads = asked.burst(options.burst_seconds * 2, token)
        note = f"at most, while {reads.rate:,.0f} users a second are read; {split}"
        report.add(Figure("P-07 memory under P-01", memory_peak(site.pid) / _MB, " MB", READING_MAX_MB, note=note, strict=True))
        done, began, split = 0, time.monotonic(), Split([site.pid], site.cluster.pid)
        with split:
            while done < _SIGN_INS and not (options.quick and time.monotonic() - began > _QUICK_SECONDS):
                done += wrk.load(site.base_url, "post", CONNECTIONS, 5, PATH, bodies, may_fail=True).count
        pool = min(CORES, _HASH_MEMORY // _ARENA) * _ARENA
        beyond = memory(site.pid) - pool - idle
        note = f"{done} sign-ins; {(beyond + pool + idle) / _MB:.0f} MB less arenas of {pool / _MB:.0f} MB and what was held idle; {split}"
        report.add(Figure("P-07 memory after sign-ins, beyond idle", beyond / _MB, " MB", AFTER_MAX_MB, note=note, strict=True))
    report.write()


def starts(options: Options) -> None:
    report = Report("P-08", options.users)
    with template.running(options.binary, options.users) as site:
        strangers, split, found = Strangers([os.getpid(), site.cluster.pid]), Split([], site.cluster.pid), []
        for _ in range(options.pairs):
            site.stop()
            with split:
                found.append(timed(lambda: _start(site.usher)))
                # It has had nothing before.
                split.servers = [site.pid]
        _add(report, "P-08 start on a migrated database", START_MAX_SECONDS, found, strangers, str(split))
    folder = CACHE / "private"
    shutil.rmtree(folder, ignore_errors=True)
    usher = Usher(options.binary, folder, USHER_LOG_LEVEL="warn")
    try:
        first = timed(lambda: _start(usher))
        strangers, found = Strangers([os.getpid()]), []
        for _ in range(options.pairs):
            assert usher.stop() == 0, usher.tail()
            found.append(timed(lambda: _start(usher)))
        note = f"the first start, with initdb and all migrations, {first:.1f} s"
        _add(report, "P-08 start with its own PostgreSQL, again", PRIVATE_START_MAX_SECONDS, found, strangers, note)
    finally:
        usher.remove()
    report.write()


def _add(report: Report, name: str, target: float, found: list[float], strangers: Strangers, note: str = "") -> None:
    report.add(Figure(name, median(found), " s", target, n=len(found), spread=spread(found), strangers=strangers.share(), note=note, strict=True))


def _start(usher: Usher) -> None:
    """Until its first 200, to the millisecond."""
    usher.launch()
    until = time.monotonic() + _START_GIVEN_UP_SECONDS
    while not answers(f"{usher.base_url}/readyz"):
        assert usher.running and time.monotonic() < until, usher.tail()
        time.sleep(_STEP_SECONDS)


def sizes(options: Options) -> None:
    report = Report("P-14", options.users)
    note = f"the project promises less than {_PROMISED_MB} MB"
    report.add(Figure("P-14 binary", options.binary.stat().st_size / _MB, " MB", BINARY_MAX_MB, note=note, strict=True))
    report.add(Figure("P-14 direct dependencies", len(dependencies()), "", DEPENDENCIES_MAX, strict=True))
    size, note = None, "no image named: --image"
    if options.image:
        told = subprocess.run(["docker", "image", "inspect", options.image], capture_output=True, text=True, check=True)
        size, note = json.loads(told.stdout)[0]["Size"] / _MB, options.image
    report.add(Figure("P-14 container image", size, " MB", IMAGE_MAX_MB, n=int(size is not None), note=note, strict=True))
    report.write()


def dependencies() -> set[str]:
    """What usher's crates name in their manifests and is not the project's own."""
    found, waiting = set(), ["usher"]
    while waiting:
        manifest = tomllib.loads((ROOT / "crates" / waiting.pop() / "Cargo.toml").read_text())
        for name, wanted in manifest.get("dependencies", {}).items():
            if isinstance(wanted, dict) and "path" in wanted:
                waiting.append(name)
            else:
                found.add(name)
    return found
