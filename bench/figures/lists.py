"""P-09: a page of 50 users through usher, beside the best hand-written SQL for the same page on the same cluster."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import psycopg

from .. import template
from ..load import Connection, at_rate, in_turns, timed
from ..machine import Split, Strangers, memory_peak
from ..options import Options
from ..report import Figure, Report
from ..site import Site
from ..statistics import quantile, spread

RATIO_MAX = 3
P99_MAX_MS = 25
MEMORY_MAX_MB = 100
# At most so many requests a second while latencies are taken, and so much of what one connection could do.
_RATE_MAX = 20.0
_LOAD = 0.3

_ALIVE = "u.status <> 'deleted'"
_ORDER = "order by {0}.created_at desc, {0}.id desc limit 51"
# What the page shows of each user.
COLUMNS = """
    u.id, u.username, u.status, u.locked_until, u.given_name, u.family_name, u.display_name, u.bio, u.picture_url, u.website_url,
    u.github_url, u.linkedin_url, u.locale, u.time_zone, u.professional_at, u.attributes, u.version, u.created_at, u.updated_at,
    u.last_sign_in_at, u.deleted_at,
    (select json_agg(json_build_object('address', e.address, 'primary', e.is_primary, 'verified_at', e.verified_at) order by e.is_primary desc)
        from emails e where e.user_id = u.id) as emails,
    array(select distinct r.role_name from effective_roles(u.id, now()) r) as roles"""


def _page(ids: str) -> str:
    """The users of these ids, as the page shows them."""
    return f"with page as ({ids}) select {COLUMNS} from page join users u on u.id = page.id order by u.created_at desc, u.id desc"


def walk(condition: str) -> str:
    """Through all users, the newest first."""
    return _page(f"select u.id from users u where {_ALIVE} and {condition} {_ORDER.format('u')}")


def forced(condition: str) -> str:
    """The same walk, whatever PostgreSQL expects of the condition."""
    everybody = f"select * from users u where {_ALIVE} order by u.created_at desc, u.id desc offset 0"
    return _page(f"select u.id from ({everybody}) u where {condition} {_ORDER.format('u')}")


def gather(condition: str) -> str:
    """Whoever fits, by their own indexes, sorted."""
    found = f"select u.id, u.created_at from users u where {_ALIVE} and {condition}"
    return _page(f"select f.id from (with f as materialized ({found}) select * from f) f {_ORDER.format('f')}")


def text(name: str) -> str:
    return f"(lower(u.attributes ->> '{name}') collate \"C\")"


LEVEL = "(case when jsonb_typeof(u.attributes -> 'level') = 'number' then (u.attributes ->> 'level')::numeric end)"
_SEARCH_WALK = (
    "(u.search_text like %(q)s or exists (select from emails e where e.user_id = u.id and e.address_normal like %(q)s offset 0))"
)
_SEARCH_GATHER = (
    "u.id in (select s.id from users s where s.search_text like %(q)s "
    "union select e.user_id from emails e where e.address_normal like %(q)s)"
)
_ROLE_WALK = "exists (select from user_roles r where r.user_id = u.id and r.role_name = %(role)s and r.expires_at is null)"
_ROLE_GATHER = "u.id in (select r.user_id from user_roles r where r.role_name = %(role)s and r.expires_at is null)"


@dataclass
class Case:
    """One question, as usher is asked it and as SQL; of several statements the fastest is taken."""

    name: str
    query: dict[str, str]
    statements: list[str]
    parameters: dict[str, object]
    # How many it fits.
    condition: str = "true"


def both(condition: str) -> list[str]:
    return [walk(condition), forced(condition), gather(condition)]


def cases(site: Site) -> list[Case]:
    cluster = site.cluster
    someone = cluster.rows("select username from users where status = 'active' order by created_at offset 500 limit 1")[0][0]
    middle = cluster.rows("select percentile_disc(0.5) within group (order by created_at) from users")[0][0]
    found = [Case("page, first", {}, [walk("true")], {})]
    before = middle.isoformat().replace("+00:00", "Z")
    deep = json.loads(Connection(site.base_url, site.key).get("/v1/users", limit="50", created_before=before))
    last = deep["items"][-1]
    beyond = "(u.created_at, u.id) < (%(at)s::timestamptz, %(id)s::uuid)"
    found.append(Case("page, halfway", {"cursor": deep["next"]}, [walk(beyond)], {"at": last["created_at"], "id": last["id"]}, beyond))
    for q in (someone, "quispe", "ria.m", "maria", "a"):
        case = Case(f"q {q}", {"q": q}, [walk(_SEARCH_WALK), gather(_SEARCH_GATHER)], {"q": f"%{q}%"}, _SEARCH_GATHER)
        found.append(case)
    attributes = {
        'attributes.start_date eq "2023-05-05"': "((u.attributes ->> 'start_date') collate \"C\") = '2023-05-05'",
        'attributes.department eq "Purchasing"': f"{text('department')} = 'purchasing'",
        'attributes.department eq "Sales"': f"{text('department')} = 'sales'",
        'attributes.city eq "Berlin" and attributes.start_date eq "2023-05-05"':
            f"{text('city')} = 'berlin' and ((u.attributes ->> 'start_date') collate \"C\") = '2023-05-05'",
        'attributes.city eq "Lima" and attributes.level eq 9': f"{text('city')} = 'lima' and {LEVEL} = 9",
        'attributes.tags eq "alumni" and attributes.level eq 8': f"(u.attributes -> 'tags') @> '[\"alumni\"]' and {LEVEL} = 8",
    }
    for asked, condition in attributes.items():
        found.append(Case(asked.replace("attributes.", ""), {"filter": asked}, both(condition), {}, condition))
    for role in ("admin", "manager", "user"):
        found.append(Case(f"role {role}", {"role": role}, [walk(_ROLE_WALK), gather(_ROLE_GATHER)], {"role": role}, _ROLE_GATHER))
    return found


def best(connection: psycopg.Connection, case: Case) -> Callable[[], object]:
    """The fastest of the statements, prepared."""

    def ask(statement: str) -> Callable[[], object]:
        return lambda: connection.execute(statement, case.parameters or None, prepare=True).fetchall()

    # The sixth time PostgreSQL may have a plan for all values.
    return min((ask(statement) for statement in case.statements), key=lambda ask: median(timed(ask) for _ in range(7)))


def same(answer: bytes, rows: list[tuple]) -> bool:
    """Whether both found the same users in the same order."""
    return [item["id"] for item in json.loads(answer)["items"]] == [str(row[0]) for row in rows[:50]]


def run(options: Options) -> None:
    report = Report("P-09", options.users)
    with template.running(options.binary, options.users) as site, site.cluster.connect() as sql:
        usher = Connection(site.base_url, site.key)
        for case in cases(site):
            measure(report, options, site, usher, sql, case)
        report.add(Figure("P-09 memory of usher", memory_peak(site.pid) / 1e6, " MB", MEMORY_MAX_MB))
    report.write()


def measure(report: Report, options: Options, site: Site, usher: Connection, sql: psycopg.Connection, case: Case) -> None:
    fits = site.cluster.rows(f"select count(*) from users u where {_ALIVE} and {case.condition}", case.parameters or None)[0][0]
    theirs = best(sql, case)

    def ours() -> bytes:
        return usher.get("/v1/users", limit="50", **case.query)

    assert same(ours(), theirs()), f"usher and the SQL of {case.name} find different users"
    once = min(timed(ours) for _ in range(6))
    strangers, split = Strangers([os.getpid(), site.pid, site.cluster.pid]), Split([site.pid], site.cluster.pid)
    each = max(1, min(options.each, int(1 / once)))
    one, other = in_turns(ours, theirs, options.pairs, each, split)
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    note = f"{fits} fit; usher {median(one) * 1e3:.1f} ms, SQL {median(other) * 1e3:.1f} ms; {split}"
    raw = {"usher_seconds": one, "sql_seconds": other, "fits": fits, "cpu_seconds": split.seconds}
    count = options.pairs * each
    report.add(
        Figure(f"P-09 {case.name}", median(ratios), "", RATIO_MAX, n=count, spread=spread(ratios), strangers=strangers.share(), note=note, raw=raw)
    )
    rate, split = min(_RATE_MAX, _LOAD / median(one)), Split([site.pid], site.cluster.pid)
    with split:
        latencies = at_rate(
            lambda: Connection(site.base_url, site.key), lambda to: to.get("/v1/users", limit="50", **case.query), rate, options.samples(rate)
        )
    note = f"at {rate:.1f}/s; p50 {median(latencies) * 1e3:.1f} ms; {split}"
    value, raw = quantile(latencies, 0.99) * 1e3, {"case": case.name, "cpu_seconds": split.seconds}
    report.add(Figure("     p99", value, " ms", P99_MAX_MS, n=len(latencies), strangers=split.strangers, note=note, raw=raw, strict=True))
