"""P-11: how the time of an answer grows with the number of users, as the exponent of a power law through all sizes. Of what is written
or read for many users it is the time of one of them; of an export that of all. Beside it what the database and usher's memory come to."""

import itertools
import json
from functools import partial
from statistics import median

from .. import template
from ..load import Connection, timed
from ..machine import Split, memory_peak
from ..options import Options
from ..people import People
from ..report import Figure, Report
from ..site import Site
from ..statistics import exponent, spread
from . import bulk, creation, transfer
from .sign_ins import PATH

LOOK_UP_MAX = 0.1
SEARCH_MAX = 0.5
WRITE_MAX = 0.2
LINEAR_MAX = 1.0
# The last takes hours to seed.
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
# With --quick it is read only, and only where it need not be seeded.
_LARGE = 1_000_000
# In each of the rounds, into every size. They are few beside the smallest, which they make larger.
_IMPORTED = 2_500
_DRY = 10_000
_SUSPENDED = 1_000

_TARGETS = {
    "look-up": LOOK_UP_MAX,
    "page": LOOK_UP_MAX,
    "user name": LOOK_UP_MAX,
    "sign-in": LOOK_UP_MAX,
    "refresh": LOOK_UP_MAX,
    "two attributes": SEARCH_MAX,
    "q of one": SEARCH_MAX,
    "create": WRITE_MAX,
    "suspend in bulk, each": WRITE_MAX,
    "dry run, each row": WRITE_MAX,
    "import, each row": WRITE_MAX,
}

_INDEXES = """
select c.relname, pg_relation_size(c.oid)
from pg_class c
where c.relkind = 'i' and c.relnamespace = 'public'::regnamespace
order by 2 desc
limit 10"""


def run(options: Options) -> None:
    # Two sizes at least, however few users the others are content with.
    whole = [size for size in SIZES if size <= max(options.users, SIZES[1])]
    report = Report("P-11", whole[-1])
    read = [_LARGE] if options.quick and _LARGE not in whole and template.stands(_LARGE) else []
    if _LARGE not in (*whole, *read):
        print(f"P-11 without {_LARGE:,} users: `cargo xtask bench P-11 --users {_LARGE}` makes them once, which takes minutes", flush=True)
    times: dict[str, dict[int, list[list[float]]]] = {}
    strangers = 0.0
    for size in (*whole, *read):
        with template.running(options.binary, size) as site:
            usher, people, split = Connection(site.base_url, site.key), People(site, 1), Split([site.pid], site.cluster.pid)
            ((heap,),), indexes = site.cluster.rows("select pg_relation_size('users')"), dict(site.cluster.rows(_INDEXES))
            with split:
                found = _reads(options, site, usher) | _sign_ins(options, site, people)
                if size in whole:
                    found |= _writes(options, site, usher)
            for name, rounds in found.items():
                times.setdefault(name, {})[size] = rounds
            strangers, peak = max(strangers, split.strangers), memory_peak(site.pid)
        note = f"usher's memory at most {peak / 1e6:.0f} MB; {split}; indexes in MB: " + ", ".join(f"{name} {held / 1e6:.1f}" for name, held in indexes.items())
        raw = {"users_bytes": heap, "index_bytes": indexes, "usher_peak_bytes": peak, "cpu_seconds": split.seconds}
        report.add(Figure(f"P-11 size of users, {size:,} of them", heap / 1e6, " MB", note=note, raw=raw))
    for name, measured in times.items():
        sizes = list(measured)
        rounds = [[median(each) for each in some] for some in measured.values()]
        middles = [median(some) for some in rounds]
        note = ", ".join(f"{size}: {middle * 1e3:.2f} ms" for size, middle in zip(sizes, middles, strict=True))
        report.add(
            Figure(
                f"P-11 {name}, exponent",
                exponent(sizes, middles),
                "",
                _TARGETS.get(name, LINEAR_MAX),
                n=sum(map(len, measured[sizes[0]])),
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


def _sign_ins(options: Options, site: Site, people: People) -> dict[str, list[list[float]]]:
    """Seconds, round by round: of a sign-in with its hash, and of a refresh token exchanged for the next."""
    person, body, tokens = Connection(site.base_url), people.bodies()[0].encode(), people.refresh_tokens(1)

    def refresh() -> None:
        answer = person.send("POST", "/v1/refresh", json.dumps({"refresh_token": tokens.pop()}).encode())
        tokens.append(json.loads(answer)["refresh_token"])

    works = {"sign-in": lambda: person.send("POST", PATH, body), "refresh": refresh}
    times = {}
    for name, work in works.items():
        for _ in range(5):
            work()
        times[name] = [[timed(work) for _ in range(options.each)] for _ in range(options.pairs)]
    person.close()
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
