"""P-11: how the time of an answer grows with the number of users, as the exponent of a power law through all sizes. Of what is written
or read for many users it is the time of one of them; of an export that of all."""

import itertools
import os
from functools import partial
from statistics import median

from .. import template
from ..load import Connection, timed
from ..machine import Strangers
from ..options import Options
from ..report import Figure, Report
from ..site import Site
from ..statistics import exponent, spread
from . import bulk, creation, transfer

LOOK_UP_MAX = 0.1
SEARCH_MAX = 0.5
WRITE_MAX = 0.2
LINEAR_MAX = 1.0
SIZES = (10_000, 100_000, 1_000_000)
# In each of the rounds, into every size. They are few beside the smallest, which they make larger.
_IMPORTED = 2_500
_DRY = 10_000
_SUSPENDED = 1_000

_TARGETS = {
    "look-up": LOOK_UP_MAX,
    "page": LOOK_UP_MAX,
    "user name": LOOK_UP_MAX,
    "two attributes": SEARCH_MAX,
    "q of one": SEARCH_MAX,
    "create": WRITE_MAX,
    "suspend in bulk, each": WRITE_MAX,
    "dry run, each row": WRITE_MAX,
    "import, each row": WRITE_MAX,
}


def run(options: Options) -> None:
    # Two sizes at least, however few users the others are content with.
    sizes = [size for size in SIZES if size <= max(options.users, SIZES[1])]
    report = Report("P-11", sizes[-1])
    times: dict[str, list[list[list[float]]]] = {}
    strangers = 0.0
    for size in sizes:
        with template.running(options.binary, size) as site:
            usher = Connection(site.base_url, site.key)
            watch = Strangers([os.getpid(), site.pid, site.cluster.pid])
            for name, rounds in (_reads(options, site, usher) | _writes(options, site, usher)).items():
                times.setdefault(name, []).append(rounds)
            strangers = max(strangers, watch.share())
    for name, measured in times.items():
        rounds = [[median(each) for each in some] for some in measured]
        middles = [median(some) for some in rounds]
        note = ", ".join(f"{size}: {middle * 1e3:.2f} ms" for size, middle in zip(sizes, middles, strict=True))
        report.add(
            Figure(
                f"P-11 {name}, exponent",
                exponent(sizes, middles),
                "",
                _TARGETS.get(name, LINEAR_MAX),
                n=sum(map(len, measured[0])),
                spread=max(spread(some) for some in rounds),
                strangers=strangers,
                note=note,
                raw={"sizes": sizes, "seconds": middles, "rounds": rounds},
            )
        )
    report.write()


def _reads(options: Options, site: Site, usher: Connection) -> dict[str, list[list[float]]]:
    """Seconds, round by round."""
    someone = "select id, username from users where status = 'active' order by created_at desc offset 500 limit 1"
    ((user_id, username),) = site.cluster.rows(someone)
    questions = {
        "look-up": (f"/v1/users/{user_id}", {}),
        "page": ("/v1/users", {"limit": "50"}),
        "user name": ("/v1/users", {"filter": f'userName eq "{username}"'}),
        "two attributes": ("/v1/users", {"filter": 'attributes.city eq "Berlin" and attributes.start_date eq "2023-05-05"'}),
        "attribute of many": ("/v1/users", {"filter": 'attributes.department eq "Sales"'}),
        "q of one": ("/v1/users", {"q": username}),
        "q of many": ("/v1/users", {"q": "maria"}),
    }
    times = {}
    for name, (path, query) in questions.items():
        for _ in range(12):
            usher.get(path, **query)
        times[name] = [[timed(partial(usher.get, path, **query)) for _ in range(options.each)] for _ in range(options.pairs)]
    return times


def _writes(options: Options, site: Site, usher: Connection) -> dict[str, list[list[float]]]:
    """Seconds, round by round. What adds the most users comes last."""
    marks, taken = itertools.count(), transfer.taken_address(site)
    rounds = range(3 if options.quick else 5)

    def create() -> float:
        number = next(marks)
        body = creation.body(f"grown{number}", number)
        return timed(lambda: usher.send("POST", "/v1/users", body))

    def import_rows(count: int, *, dry: bool) -> float:
        content = transfer.csv(f"g{next(marks)}", count, taken)
        return timed(lambda: (transfer.stage if dry else transfer.bring_in)(usher, site, content)) / count

    for _ in range(12):
        create()
    return {
        "export of all": [[timed(lambda: usher.count_bytes(transfer.EXPORT))] for _ in rounds],
        "create": [[create() for _ in range(options.each)] for _ in range(options.pairs)],
        "suspend in bulk, each": [[bulk.suspend(site, usher, *part)] for part in bulk.active_slices(site, len(rounds), _SUSPENDED)],
        "dry run, each row": [[import_rows(_DRY, dry=True)] for _ in rounds],
        "import, each row": [[import_rows(_IMPORTED, dry=False)] for _ in rounds],
    }
