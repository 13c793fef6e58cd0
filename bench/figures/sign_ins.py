"""P-03: sign-ins with a password at 64 connections, beside the bare hashes of the same library on all cores."""

import tempfile
from pathlib import Path

from .. import driver, template, wrk
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..people import People, lines
from ..report import Report

RATIO_MIN = 0.9
CONNECTIONS = 64
# Nobody signs in twice at the same time.
PEOPLE = 200
PATH = "/v1/login"


def run(options: Options) -> None:
    report = Report("P-03", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as folder:
        bodies = lines(Path(folder), People(site, PEOPLE).bodies())
        split, refused = Split([site.pid], site.cluster.pid), 0

        def ours() -> float:
            nonlocal refused
            with split:
                load = wrk.load(site.base_url, "post", CONNECTIONS, options.burst_seconds + 2, PATH, bodies, may_fail=True)
            # Where less than 64 are done in a second, the last of 64 would wait for longer than that, and is told to come back.
            refused += load.failed
            return load.rate

        def theirs() -> float:
            return driver.hashes_a_second(options.driver, options.burst_seconds + 1)

        one, other = rates_in_turns(site.cluster, ours, theirs, options.pairs)
        report.compare("P-03 sign-in / bare hashes", RATIO_MIN, one, other, split, "bare", f"{refused} refused" if refused else "")
    report.write()
