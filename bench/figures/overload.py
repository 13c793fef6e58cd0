"""P-06 and overload: what the cheap waits for while the dear is asked for too much, and what becomes of the dear itself."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from .. import driver, template, wrk
from ..load import timed
from ..machine import Split, forget_peak, memory, memory_peak
from ..options import Options
from ..people import People, lines
from ..report import Figure, Report
from ..site import Site
from ..statistics import spread
from .lists import MEMORY_MAX_MB
from .reads import Reads
from .sign_ins import CONNECTIONS, PATH, PEOPLE

SLOWER_MAX = 3
GOODPUT_MIN = 0.9
NORMAL_MAX_SECONDS = 10
# If more than this of a load was never sent, it was not that load.
_UNSENT_MAX = 0.05
# Enough that a full queue of passwords and the refusals beside it do not take all of them.
_CONNECTIONS = 512
_UNLOADED = 0.2
# Sign-ins that keep all hashing threads busy, with some that wait.
_SATURATING = 16
# Everybody comes from a network of their own: of one alone no more may wait than places are free.
_MANY_NETWORKS = {"USHER_TRUSTED_PROXIES": "127.0.0.1", "USHER_RATE_LIMIT_EXEMPT": "127.0.0.0/8, 10.0.0.0/8"}


def latency(options: Options) -> None:
    """P-06."""
    report = Report("P-06", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as folder:
        people = People(site, PEOPLE)
        reads, bodies = Reads(site, people, Path(folder)), lines(Path(folder), people.bodies())
        reads.burst(options.burst_seconds)
        site.cluster.execute("analyze")
        rate = reads.burst(options.burst_seconds).rate / 2
        split = Split([site.pid], site.cluster.pid)

        def p99() -> float:
            token = people.access_token()
            asked = [driver.request(site.base_url, "GET", f"/v1/users/{user_id}", Authorization=f"Bearer {token}") for user_id in reads.ids]
            answers = driver.at_rate(options.driver, site.base_url, asked, rate, options.burst_seconds)
            assert set(answers.statuses) == {"200"}, answers
            return answers.p99_ms()

        idle, saturated = [], []
        for _ in range(options.pairs):
            idle.append(p99())
            with _signing_in(site, bodies, options.burst_seconds + 2), split:
                saturated.append(p99())
        ratios = [a / b for a, b in zip(saturated, idle, strict=True)]
        note = f"at {rate:,.0f}/s; idle {median(idle):.2f} ms, saturated {median(saturated):.2f} ms; {split}"
        raw = {"idle_ms": idle, "saturated_ms": saturated}
        figure = Figure("P-06 p99 of reads, sign-ins saturated / idle", median(ratios), "", SLOWER_MAX, "less", len(ratios), spread(ratios))
        figure.strangers, figure.note, figure.raw = split.strangers, note, raw
        report.add(figure)
    report.write()


@contextmanager
def _signing_in(site: Site, bodies: str, seconds: int) -> Iterator[None]:
    """Meanwhile the hashing threads have no rest."""
    load = threading.Thread(target=lambda: wrk.load(site.base_url, "post", _SATURATING, seconds, PATH, bodies, may_fail=True))
    load.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        load.join()


def run(options: Options) -> None:
    """Sign-ins at twice and ten times what the server can do."""
    report = Report("overload", options.users)
    with template.running(options.binary, options.users, **_MANY_NETWORKS) as site, tempfile.TemporaryDirectory() as folder:
        people = People(site, PEOPLE)
        bodies = people.bodies()
        # The peak is that of the same generator at the same machine: the best of three.
        peaks = [wrk.load(site.base_url, "post", CONNECTIONS, options.burst_seconds + 2, PATH, lines(Path(folder), bodies), may_fail=True).rate for _ in range(3)]
        peak = max(peaks)
        site.cluster.execute("analyze")
        asked = [_request(site, number, body) for number, body in enumerate(bodies)]
        calm = driver.at_rate(options.driver, site.base_url, asked, peak * _UNLOADED, options.overload_seconds)
        for times in (2, 10):
            _overload(report, options, site, people, asked, peak, calm.p99_ms(), times)
    report.write()


def _request(site: Site, number: int, body: str) -> bytes:
    return driver.request(site.base_url, "POST", PATH, body.encode(), X_Forwarded_For=f"10.{number // 250}.{number % 250}.7")


def _overload(report: Report, options: Options, site: Site, people: People, asked: list[bytes], peak: float, calm_ms: float, times: int) -> None:
    held, split, seconds = memory(site.pid), Split([site.pid], site.cluster.pid), options.overload_seconds
    forget_peak(site.pid)
    with split:
        answers = driver.at_rate(options.driver, site.base_url, asked, peak * times, seconds, _CONNECTIONS)
    normal = _seconds_to_normal(site, people, calm_ms * SLOWER_MAX / 1e3)
    name, peak_memory = f"overload x{times}", memory_peak(site.pid)
    goodput = sum(answers.good_by_second[:seconds]) / seconds
    told = ", ".join(f"{found['count']} x {status}" for status, found in sorted(answers.statuses.items()))
    late = f", {answers.unsent} never sent" if answers.unsent else ""
    note = f"{goodput:,.0f}/s of {peak * times:,.0f}/s asked, peak {peak:,.0f}/s; {told}{late}; {split}"
    figures = [Figure(f"{name} goodput / peak", goodput / peak, "", GOODPUT_MIN, "more", answers.good, note=note)]
    note = f"{answers.p99_ms():,.0f} ms, unloaded {calm_ms:.1f} ms"
    figures.append(Figure(f"{name} p99 of the admitted / unloaded", answers.p99_ms() / calm_ms, "", SLOWER_MAX, n=answers.good, note=note))
    refused = answers.sent - answers.good
    kind = (refused - answers.refused_without_retry_after) / refused if refused else 1.0
    figures.append(Figure(f"{name} refused with Retry-After", kind, "", 1.0, "more", refused, note=f"of {answers.sent} that were sent"))
    figures.append(Figure(f"{name} memory", peak_memory / 1e6, " MB", MEMORY_MAX_MB, note=f"{held / 1e6:.0f} MB before"))
    figures.append(Figure(f"{name} time to normal", normal, " s", NORMAL_MAX_SECONDS))
    unsent = answers.unsent / (answers.sent + answers.unsent)
    for figure in figures:
        # What it holds does not depend on them.
        figure.strangers = 0.0 if figure.unit == " MB" else split.strangers
        figure.invalid = f"{unsent:.0%} of the load was never sent" if unsent > _UNSENT_MAX else ""
        report.add(figure)


def _seconds_to_normal(site: Site, people: People, normal: float) -> float:
    """Until three in a row are signed in as fast as that."""
    began, fast = time.perf_counter(), 0
    while fast < 3 and time.perf_counter() - began < 60:
        fast = fast + 1 if timed(people.access_token) <= normal else 0
    return time.perf_counter() - began
