"""P-15: the work of P-01 at two processes behind Nginx, beside one that is asked directly, on the same cores."""

import tempfile
from pathlib import Path

from .. import front, template
from ..cluster import CACHE
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..people import People
from ..report import Report
from .reads import Reads

RATIO_MIN = 0.6


def run(options: Options) -> None:
    report = Report("P-15", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as name:
        folder, people = Path(name), People(site, 1)
        # Nginx's workers are nobody in particular when root starts it.
        folder.chmod(0o755)
        reads = Reads(site, people, folder)
        # Another process on the same database, under the same name.
        second = site.another(CACHE / f"second-{options.users}")
        try:
            second.start()
            with front.running(folder, [site.usher.address, second.address]) as (base_url, nginx):
                split = Split([site.pid, second.process.pid, nginx], site.cluster.pid)

                def behind() -> float:
                    with split:
                        return reads.burst(options.burst_seconds, base_url=base_url).rate

                def direct() -> float:
                    return reads.burst(options.burst_seconds).rate

                one, other = rates_in_turns(site.cluster, behind, direct, options.pairs)
                report.compare("P-15 two behind Nginx / one direct", RATIO_MIN, one, other, split, "one direct", "Nginx counts with the servers")
        finally:
            second.remove()
    report.write()
