"""How PostgreSQL finds the users of each kind of list: by which index, in plans for the very values (custom) and in plans for any
(generic). None may scan a big table sequentially, nor pass most of it along an index, but where the documentation says that all users are
read. How many rows were looked at is counted; it does not depend on the machine."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.seeding import seed_belongings
from harness.waiting import until

from .. import template
from ..load import Connection
from ..options import Options
from ..report import Figure, Report
from ..site import Site

# In fewer rows a sequential scan may be the best there is.
USERS_MIN = 100_000
BIG_ROWS = 20_000
# Who passes so much of a table in the order of an index could as well have scanned it.
_MOST = 0.5
MODES = {"custom": "force_custom_plan", "generic": "force_generic_plan"}
_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "json",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
}
# What is logged begins with a tab from its second line on.
_LOGGED = re.compile(r"LOG:  duration: [0-9.]+ ms  plan:\n((?:\t.*\n)+)")


@dataclass
class Kind:
    """One kind of list, as usher is asked for it."""

    name: str
    query: dict[str, str]
    # Its attributes have no index, and the documentation says that all users are read.
    reads_all: bool = False
    # With fewer users than so many PostgreSQL may read them all sooner than one by one.
    scans_below: int = 0


@dataclass
class Seen:
    """What PostgreSQL did for one list."""

    seconds: float
    # Statements, each with its plan.
    plans: list[tuple[str, dict]]
    # Tables that were read from end to end, or would have been.
    scanned: list[str] = field(default_factory=list)
    # Of big tables, passed or found.
    rows: int = 0
    served: list[str] = field(default_factory=list)


def run(options: Options) -> None:
    users = max(options.users, USERS_MIN)
    report = Report("plans", users)
    with template.running(options.binary, users, USHER_RUN_WORKER="false") as site:
        seed_belongings(site.cluster.place)
        asked = kinds(site)
        seen = {mode: [see(site, kind) for kind in asked] for mode in modes(site)}
        big = dict(site.cluster.rows("select relname, reltuples from pg_class where relkind = 'r' and reltuples >= %s", (BIG_ROWS,)))
        assert {"users", "emails", "user_roles"} <= set(big), f"only these are big: {big}"
    for lists in seen.values():
        # Who asks, and what the page shows of those who were found, is the same in all.
        common = set.intersection(*({text for text, _ in each.plans} for each in lists))
        for each in lists:
            tell(each, common, big)
    failures = []
    for number, kind in enumerate(asked):
        each = {mode: lists[number] for mode, lists in seen.items()}
        scanned = {mode: found.scanned for mode, found in each.items() if found.scanned}
        may_scan = kind.reads_all or users < kind.scans_below
        report.add(_figure(kind, each, may_scan))
        if scanned and not may_scan:
            failures += [f"{', '.join(tables)} for {kind.name}, {mode}" for mode, tables in scanned.items()]
    report.write()
    assert not failures, f"read from end to end: {' | '.join(failures)}"


def _figure(kind: Kind, each: dict[str, Seen], may_scan: bool) -> Figure:
    served = {mode: "; ".join(found.served) for mode, found in each.items()}
    words = next(iter(served.values())) if len(set(served.values())) == 1 else " | ".join(f"{mode}: {by}" for mode, by in served.items())
    times = "/".join(f"{found.seconds * 1e3:.0f}" for found in each.values())
    rows = "/".join(str(found.rows) for found in each.values())
    raw = {"query": kind.query, "served": served} | {mode: {"scanned": found.scanned, "rows": found.rows} for mode, found in each.items()}
    value = sum(len(found.scanned) for found in each.values())
    return Figure(f"plans {kind.name}", value, "", None if may_scan else 0, n=len(each), note=f"{words}; {rows} rows, {times} ms", raw=raw)


def modes(site: Site) -> Iterator[str]:
    """Each way to plan, in force for all of the server's connections."""
    for mode, word in MODES.items():
        for name, value in {**_SETTINGS, "plan_cache_mode": word}.items():
            site.cluster.execute(f"alter database usher set {name} = '{value}'")
        site.stop()
        site.start()
        yield mode


def see(site: Site, kind: Kind) -> Seen:
    """Asks once, and reads the plans of what was executed for it."""
    log = site.cluster.folder / "log"
    usher = Connection(site.base_url, site.key)
    _wait(site)
    before = log.stat().st_size
    began = time.perf_counter()
    usher.get("/v1/users", **kind.query)
    seconds = time.perf_counter() - began
    usher.close()
    # A plan is logged when its statement is put away, which may be after the answer.
    _wait(site)
    plans = list(_plans(log, before))
    assert any(_reads_users(plan) for _, plan in plans), f"PostgreSQL has logged no plan for {kind.name}"
    return Seen(seconds, plans)


def _wait(site: Site) -> None:
    busy = "select count(*) from pg_stat_activity where application_name = 'usher' and state <> 'idle'"
    until("the server's connections are idle", lambda: site.cluster.rows(busy) == [(0,)])


def _plans(log: Path, offset: int) -> Iterator[tuple[str, dict]]:
    with log.open("rb") as lines:
        lines.seek(offset)
        text = lines.read().decode()
    for found in _LOGGED.finditer(text):
        logged = json.loads(found[1])
        # What was only explained was not done.
        if not logged["Query Text"].lower().startswith("explain"):
            yield logged["Query Text"], logged["Plan"]


def _nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def _reads_users(plan: dict) -> bool:
    return any(node.get("Relation Name") == "users" for node in _nodes(plan))


def tell(seen: Seen, common: set[str], big: dict[str, float]) -> None:
    """Which big tables were read from end to end, how many rows were looked at, and what led to the users."""
    for text, plan in seen.plans:
        by, leads = [], text not in common and _reads_users(plan)
        for node in _nodes(plan):
            table, rows = node.get("Relation Name"), _passed(node)
            # Without a condition an index is followed in its order, until the page is full.
            walked = node["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in node
            if node["Node Type"] == "Seq Scan" and table in big:
                by.append(f"SEQ SCAN of {table}")
                seen.scanned.append(table)
            elif walked and rows > big.get(table, rows) * _MOST:
                by.append(f"ALL ALONG {node['Index Name']}")
                seen.scanned.append(table)
            elif leads and "Index Name" in node:
                by.append(f"along {node['Index Name']}" if walked else node["Index Name"])
            if leads and table in big:
                seen.rows += rows
        words = ", ".join(dict.fromkeys(by))
        if words and words not in seen.served:
            seen.served.append(words)


def _passed(node: dict) -> int:
    rows = node["Actual Rows"] + sum(count for name, count in node.items() if name.startswith("Rows Removed by"))
    return round(rows * node["Actual Loops"])


def kinds(site: Site) -> list[Kind]:
    rows = site.cluster.rows
    username, address = rows(
        "select u.username, e.address from users u join emails e on e.user_id = u.id and e.is_primary "
        "where u.status = 'active' order by u.created_at offset 500 limit 1"
    )[0]
    family = rows("select family_name from users where family_name is not null order by created_at offset 500 limit 1")[0][0]
    middle = rows("select percentile_disc(0.5) within group (order by created_at) from users")[0][0]
    later = rows("select created_at from users where created_at >= %s order by created_at offset 500 limit 1", (middle,))[0][0]
    from_then, until_then = (at.isoformat().replace("+00:00", "Z") for at in (middle, later))
    usher = Connection(site.base_url, site.key)
    cursors = {sort: json.loads(usher.get("/v1/users", sort=sort, created_before=from_then))["next"] for sort in ("-created_at", "created_at")}
    usher.close()

    def filtered(name: str, text: str | None = None, *, reads_all: bool = False, scans_below: int = 0) -> Kind:
        return Kind(name, {"filter": text or name.replace("a.", "attributes.")}, reads_all, scans_below)

    return [
        Kind("page, first", {}),
        Kind("page, halfway", {"cursor": cursors["-created_at"]}),
        Kind("page, halfway, the oldest first", {"sort": "created_at", "cursor": cursors["created_at"]}),
        Kind("page by user name", {"sort": "username"}),
        Kind("q of one", {"q": username}),
        Kind("q of some", {"q": "quispe"}),
        Kind("q of many", {"q": "maria"}),
        # Ten thousand are counted exactly, and the rest is an estimate: to get there it looks at as many as fit.
        Kind("q of many, counted", {"q": "maria", "count": "true"}, reads_all=True),
        # Indexes over parts of texts begin at three.
        Kind("q of two characters", {"q": "ui"}, reads_all=True),
        Kind("q, an address", {"q": address}),
        filtered("userName eq", f'userName eq "{username}"'),
        filtered("userName sw", f'userName sw "{username[:5]}"'),
        Kind("userName sw, by user name", {"filter": 'userName sw "z"', "sort": "username"}),
        # Whether ten thousand fit is asked first, and of so many a scan finds them in a tenth of the table.
        Kind("userName sw, by user name backwards", {"filter": 'userName sw "a"', "sort": "-username"}, reads_all=True),
        filtered("userName co", f'userName co "{username[2:9]}"'),
        filtered("familyName eq", f'familyName eq "{family}"'),
        filtered("emails eq", f'emails eq "{address}"'),
        filtered("emails sw", f'emails sw "{address[:6]}"'),
        filtered("emails ew", f'emails ew "{address[4:]}"'),
        filtered("emails[value sw and verified eq true]", f'emails[value sw "{address[:6]}" and verified eq true]'),
        filtered("emailVerified eq false"),
        filtered('a.start_date eq "2023-05-05"'),
        filtered('a.department eq "Sales"'),
        filtered('a.tags eq "alumni"'),
        filtered("a.level gt 8"),
        # Which value is asked for decides: usher has every filter planned for its own, so the generic plan is none of usher's.
        filtered("a.level gt 1000", reads_all=True),
        filtered('a.start_date gt "2023-05-05"'),
        filtered("a.start_date ge and lt", 'attributes.start_date ge "2023-05-05" and attributes.start_date lt "2023-05-09"'),
        filtered('a.department sw "Sal"'),
        filtered('a.city sw "Li"'),
        filtered('a.city eq "Xanadu"'),
        # No index holds what is not there.
        filtered("a.city eq null", reads_all=True),
        filtered("a.city eq and a.start_date eq", 'attributes.city eq "Berlin" and attributes.start_date eq "2023-05-05"'),
        filtered('a.city eq "Lima" and a.level eq 9'),
        Kind("role of few", {"role": "admin"}),
        Kind("role of some", {"role": "manager"}, scans_below=1_000_000),
        Kind("role of all", {"role": "user"}),
        filtered('roles eq "manager"', scans_below=1_000_000),
        filtered("groups eq, few", 'groups eq "Group 38"'),
        filtered("groups eq, many", 'groups eq "Group 1"'),
        filtered("secondFactors eq true"),
        filtered("secondFactors eq false"),
        Kind("status suspended", {"status": "suspended"}),
        Kind("status deleted", {"status": "deleted"}),
        filtered('status eq "pending"'),
        Kind("created_after and created_before", {"created_after": from_then, "created_before": until_then}),
        filtered("createdAt ge and lt", f'createdAt ge "{from_then}" and createdAt lt "{until_then}"'),
        filtered("deletedAt gt", 'deletedAt gt "2020-01-01T00:00:00Z"'),
        filtered("lastSignInAt gt, many", 'lastSignInAt gt "2020-01-01T00:00:00Z"', reads_all=True),
        filtered("lastSignInAt lt, nobody", 'lastSignInAt lt "2001-01-01T00:00:00Z"', reads_all=True),
        filtered("lastActiveOn lt, many", 'lastActiveOn lt "2025-06-01"'),
        filtered("lastActiveOn ge, nobody", 'lastActiveOn ge "2040-01-01"', reads_all=True),
        filtered('locale eq "xx"', reads_all=True),
        filtered('not (a.department eq "Sales")'),
        filtered('not (emails sw "a")'),
        filtered('not (roles eq "user")', reads_all=True),
        filtered("a.start_date eq or a.city eq", 'attributes.start_date eq "2023-05-05" or attributes.city eq "Lima"'),
        filtered("userName eq or emails eq", f'userName eq "{username}" or emails eq "{address}"'),
        filtered("userName sw or roles eq", f'userName sw "{username[:5]}" or roles eq "manager"'),
    ]
