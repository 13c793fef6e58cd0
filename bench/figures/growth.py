"""P-11: how the time of an answer grows with the number of users, as the exponent of a power law through all sizes."""

import os
from statistics import median

from .. import template
from ..load import Connection, timed
from ..machine import Strangers
from ..options import Options
from ..report import Figure, Report
from ..statistics import exponent, spread

LOOK_UP_MAX = 0.1
SEARCH_MAX = 0.5
LINEAR_MAX = 1.0
SIZES = (10_000, 100_000, 1_000_000)


def run(options: Options) -> None:
    # Two sizes at least, however few users the others are content with.
    sizes = [size for size in SIZES if size <= max(options.users, SIZES[1])]
    report = Report("P-11", sizes[-1])
    times: dict[str, list[list[float]]] = {}
    strangers = 0.0
    for size in sizes:
        with template.running(options.binary, size) as site:
            usher = Connection(site.base_url, site.key)
            watch = Strangers([os.getpid(), site.pid, site.cluster.pid])
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
            for name, (path, query) in questions.items():
                for _ in range(12):
                    usher.get(path, **query)
                rounds = [median(timed(lambda: usher.get(path, **query)) for _ in range(options.each)) for _ in range(options.pairs)]
                times.setdefault(name, []).append(rounds)
            strangers = max(strangers, watch.share())
    targets = {"look-up": LOOK_UP_MAX, "page": LOOK_UP_MAX, "user name": LOOK_UP_MAX, "two attributes": SEARCH_MAX, "q of one": SEARCH_MAX}
    for name, rounds in times.items():
        middles = [median(each) for each in rounds]
        note = ", ".join(f"{size}: {middle * 1e3:.2f} ms" for size, middle in zip(sizes, middles, strict=True))
        report.add(
            Figure(
                f"P-11 {name}, exponent",
                exponent(sizes, middles),
                "",
                targets.get(name, LINEAR_MAX),
                n=options.pairs * options.each,
                spread=max(spread(each) for each in rounds),
                strangers=strangers,
                note=note,
                raw={"sizes": sizes, "seconds": middles},
            )
        )
    report.write()
