"""P-10: import with its conflict report, dry run and export, beside COPY into and out of the same tables."""

import json
import os
from collections.abc import Iterator
from functools import partial
from statistics import median

import psycopg

from .. import template
from ..load import Connection, timed
from ..machine import Split, Strangers, memory_peak
from ..options import Options
from ..report import Figure, Report
from ..site import Site
from ..statistics import spread
from .lists import MEMORY_MAX_MB

RATE_MIN = 0.5
EMPTY_RATE_MIN = 0.6
UNCHANGED_RATE_MIN = 1.0
# With --full: as many at once as somebody who moves in brings.
ROWS_FULL = 1_000_000
DRY_RUN_ROWS = 100_000
DRY_RUN_MAX_SECONDS = 15
# Of so many rows, one claims an address that somebody has.
_CONFLICT_EVERY = 1000
_COLUMNS = "email,username,email_verified,given_name,family_name,display_name,locale,time_zone,attributes\n"
_THEN = "2026-01-01Z"
_COPIED = (
    "users (id, username, status, given_name, family_name, display_name, locale, time_zone, attributes, created_at, updated_at)",
    "emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)",
    "user_roles (user_id, role_name, granted_at)",
)
EXPORT = "/v1/exports/users?format=csv"
_CITIES = ("Berlin", "Lima", "Osaka", "Paris", "Vienna")
_DEPARTMENTS = ("Sales", "Support", "Legal", "People")


def _rows(mark: str, count: int, taken: str) -> Iterator[tuple[str, ...]]:
    for number in range(count):
        name = f"new{mark}x{number}"
        address = taken if taken and number % _CONFLICT_EVERY == 1 else f"{name}@import.example.com"
        attributes = {
            "city": _CITIES[number % 5],
            "department": _DEPARTMENTS[number % 4],
            "level": 1 + number % 9,
            "start_date": f"2024-{1 + number % 12:02}-{1 + number % 28:02}",
            "tags": ["beta", "remote"],
        }
        yield address, name, "true", f"Given{number % 211}", f"Family{number % 307}", f"Given{number % 211} Family{number % 307}", "de", "Europe/Berlin", json.dumps(attributes)


def csv(mark: str, count: int, taken: str) -> bytes:
    """A file of new users; some claim the address that is taken, if there is one."""
    quoted = ('"' + '","'.join(cell.replace('"', '""') for cell in row) + '"\n' for row in _rows(mark, count, taken))
    return (_COLUMNS + "".join(quoted)).encode()


def _copied(mark: str, count: int) -> dict[str, bytes]:
    """The same users for COPY, by table."""
    users, emails, roles = [], [], []
    for number, (address, name, _, given, family, display, locale, zone, attributes) in enumerate(_rows(mark, count, "")):
        user_id = f"019b76da-{int(mark, 36) % 65536:04x}-7000-8000-{number:012x}"
        users.append("\t".join((user_id, name, "active", given, family, display, locale, zone, attributes.replace("\\", "\\\\"), _THEN, _THEN)))
        emails.append("\t".join((user_id, user_id, address, address, "true", _THEN, _THEN)))
        roles.append("\t".join((user_id, "user", _THEN)))
    return {columns: ("\n".join(lines) + "\n").encode() for columns, lines in zip(_COPIED, (users, emails, roles), strict=True)}


def _copy(sql: psycopg.Connection, content: dict[str, bytes]) -> None:
    with sql.transaction(), sql.cursor() as cursor:
        for columns, lines in content.items():
            with cursor.copy(f"copy {columns} from stdin") as copy:
                copy.write(lines)


def taken_address(site: Site) -> str:
    return site.cluster.rows("select address from emails order by id limit 1")[0][0]


def stage(usher: Connection, site: Site, content: bytes, mode: str = "create_only") -> dict:
    """Uploads, and waits until every row is judged."""
    begun = json.loads(usher.send("POST", f"/v1/imports?mode={mode}", content, "text/csv"))
    site.state_after("imports", begun["id"], "staging", "classifying")
    return json.loads(usher.get(f"/v1/imports/{begun['id']}"))


def bring_in(usher: Connection, site: Site, content: bytes) -> None:
    """Uploads and applies, and reads the report."""
    _, report = _applied(usher, site, content, "create_only")
    assert any(code in report for code in (b"email_taken", b"user_exists", b"duplicate_in_file")), "the report tells of no conflict"


def _bring_in_again(usher: Connection, site: Site, content: bytes, count: int) -> None:
    """The same of users who are so already."""
    ready, _ = _applied(usher, site, content, "upsert")
    assert ready["counts"]["unchanged"] == count, ready["counts"]


def _applied(usher: Connection, site: Site, content: bytes, mode: str) -> tuple[dict, bytes]:
    """What was found of the rows, and the report."""
    ready = stage(usher, site, content, mode)
    usher.send("POST", f"/v1/imports/{ready['id']}/apply", json.dumps({"token": ready["token"]}).encode())
    state = site.state_after("imports", ready["id"], "running")
    assert state == "finished", state
    return ready, usher.get(f"/v1/imports/{ready['id']}/report")


def run(options: Options) -> None:
    report = Report("P-10", options.users)
    rows = max(1000, options.users // (options.pairs * 2 if not options.quick else 10))
    with template.running(options.binary, options.users) as site, site.cluster.connect() as sql:
        usher = Connection(site.base_url, site.key)
        roots = [os.getpid(), site.pid, site.cluster.pid]
        taken = taken_address(site)
        _export(report, options, site, usher, sql, roots)
        _imports(report, options, site, usher, sql, roots, rows, taken)
        _unchanged(report, options, site, usher, sql, roots, rows)
        count = min(DRY_RUN_ROWS, options.users)
        content = csv("dry", count, taken)
        split = Split([site.pid], site.cluster.pid)
        with split:
            seconds = timed(lambda: stage(usher, site, content))
        target = DRY_RUN_MAX_SECONDS if count == DRY_RUN_ROWS else None
        report.add(Figure(f"P-10 dry run of {count} rows", seconds, " s", target, strangers=split.strangers, note=str(split)))
        report.add(Figure("P-10 memory of usher", memory_peak(site.pid) / 1e6, " MB", MEMORY_MAX_MB))
    _into_empty(report, options, rows)
    if not options.quick:
        _import_at_once(report, options)
    report.write()


def _imports(report: Report, options: Options, site: Site, usher: Connection, sql: psycopg.Connection, roots: list[int], rows: int, taken: str) -> None:
    strangers, split = Strangers(roots), Split([site.pid], site.cluster.pid)
    ours, bare, whole = [], [], []
    for pair in range(options.pairs):
        uploaded, copied = csv(f"a{pair}", rows, taken), _copied(f"b{pair}", rows)
        only_users = dict([next(iter(_copied(f"c{pair}", rows).items()))])
        with split:
            ours.append(rows / timed(lambda: bring_in(usher, site, uploaded)))
        bare.append(rows / timed(lambda: _copy(sql, only_users)))
        whole.append(rows / timed(lambda: _copy(sql, copied)))
    note = f"{rows} rows a part; usher {median(ours):.0f}/s, COPY into users {median(bare):.0f}/s, with addresses and roles {median(whole):.0f}/s; {split}"
    raw = {"usher_rows_a_second": ours, "copy_rows_a_second": bare, "copy_of_all_rows_a_second": whole, "cpu_seconds": split.seconds}
    for name, theirs, target in (("COPY", bare, RATE_MIN), ("COPY with addresses and roles", whole, None)):
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        report.add(Figure(f"P-10 import with report / {name}", median(ratios), "", target, "more", options.pairs, spread(ratios), strangers.share(), note, raw))


def _unchanged(report: Report, options: Options, site: Site, usher: Connection, sql: psycopg.Connection, roots: list[int], rows: int) -> None:
    """A file of users who are so already, beside COPY of as many rows into a table as wide that has no index."""
    content, (columns, copied) = csv("again", rows, ""), next(iter(_copied("bare", rows).items()))
    _applied(usher, site, content, "create_only")
    sql.execute("create table bench_bare (like users including defaults including generated)")
    bare = {columns.replace("users", "bench_bare", 1): copied}
    strangers, split = Strangers(roots), Split([site.pid], site.cluster.pid)
    ours, theirs = [], []
    for _ in range(options.pairs):
        with split:
            ours.append(rows / timed(lambda: _bring_in_again(usher, site, content, rows)))
        sql.execute("truncate bench_bare")
        theirs.append(rows / timed(lambda: _copy(sql, bare)))
    sql.execute("drop table bench_bare")
    note = f"{rows} rows a half; usher {median(ours):.0f}/s, COPY without indexes {median(theirs):.0f}/s; {split}"
    raw = {"usher_rows_a_second": ours, "copy_rows_a_second": theirs, "cpu_seconds": split.seconds}
    ratios, name = [a / b for a, b in zip(ours, theirs, strict=True)], "P-10 import of unchanged rows / bare COPY"
    report.add(Figure(name, median(ratios), "", UNCHANGED_RATE_MIN, "more", options.pairs, spread(ratios), strangers.share(), note, raw))


def _into_empty(report: Report, options: Options, rows: int) -> None:
    """Each half comes to a server of its own, which has no users; one row claims the address of another."""
    split, ours, theirs = Split([], 0), [], []
    for pair in range(options.pairs):
        uploaded, users = csv(f"a{pair}", rows, f"newa{pair}x0@import.example.com"), dict([next(iter(_copied(f"b{pair}", rows).items()))])
        with template.running(options.binary, 0) as site:
            usher, split.servers, split.postgres = Connection(site.base_url, site.key), [site.pid], site.cluster.pid
            with split:
                ours.append(rows / timed(lambda: bring_in(usher, site, uploaded)))
        with template.running(options.binary, 0) as site, site.cluster.connect() as sql:
            theirs.append(rows / timed(lambda: _copy(sql, users)))
    note = f"{rows} rows a half; usher {median(ours):.0f}/s, COPY into users {median(theirs):.0f}/s; {split}"
    raw = {"usher_rows_a_second": ours, "copy_rows_a_second": theirs, "cpu_seconds": split.seconds}
    ratios, name = [a / b for a, b in zip(ours, theirs, strict=True)], "P-10 import into an empty server / COPY"
    report.add(Figure(name, median(ratios), "", EMPTY_RATE_MIN, "more", options.pairs, spread(ratios), split.strangers, note, raw))


def _import_at_once(report: Report, options: Options) -> None:
    """As many rows in one file as there are users, or as somebody who moves in brings. Each part comes to users who are as many as
    they were: it would find twice as many after another."""
    rows = min(ROWS_FULL, options.users)
    with template.running(options.binary, options.users) as site:
        usher, content = Connection(site.base_url, site.key), csv("once", rows, taken_address(site))
        split = Split([site.pid], site.cluster.pid)
        with split:
            ours = rows / timed(lambda: bring_in(usher, site, content))
        shares, peak = [split.strangers], memory_peak(site.pid)
    theirs = []
    for tables in (1, len(_COPIED)):
        with template.running(options.binary, options.users) as site, site.cluster.connect() as sql:
            copied = dict(list(_copied("once", rows).items())[:tables])
            strangers = Strangers([os.getpid(), site.pid, site.cluster.pid])
            theirs.append(rows / timed(partial(_copy, sql, copied)))
            shares.append(strangers.share())
    bare, whole = theirs
    note = f"usher {ours:.0f}/s, COPY into users {bare:.0f}/s, with addresses and roles {whole:.0f}/s; {split}"
    raw = {"rows": rows, "usher_rows_a_second": ours, "copy_rows_a_second": bare, "copy_of_all_rows_a_second": whole}
    report.add(Figure(f"P-10 import of {rows} / COPY", ours / bare, "", RATE_MIN, "more", strangers=max(shares), note=note, raw=raw))
    report.add(Figure(f"P-10 import of {rows} / COPY with addresses and roles", ours / whole, "", None, "more", strangers=max(shares), raw=raw))
    report.add(Figure(f"P-10 memory of usher, import of {rows}", peak / 1e6, " MB", MEMORY_MAX_MB))


# What an export says of a user.
_EXPORTED = """copy (
    select u.id, u.username, u.status, u.given_name, u.family_name, u.display_name, u.bio, u.picture_url, u.website_url, u.github_url,
        u.linkedin_url, u.locale, u.time_zone, u.professional_at, u.attributes, u.created_at, u.last_sign_in_at,
        (select string_agg(e.address, ' ' order by e.is_primary desc) from emails e where e.user_id = u.id),
        (select string_agg(r.role_name, ';' order by r.role_name) from user_roles r where r.user_id = u.id)
    from users u where u.status <> 'deleted' order by u.id
) to stdout"""


def _export(report: Report, options: Options, site: Site, usher: Connection, sql: psycopg.Connection, roots: list[int]) -> None:
    def copy_out() -> None:
        with sql.cursor() as cursor, cursor.copy(_EXPORTED) as copy:
            for _ in copy:
                pass

    def export() -> None:
        usher.count_bytes(EXPORT)

    strangers, split = Strangers(roots), Split([site.pid], site.cluster.pid)
    ours, theirs = [], []
    for _ in range(options.pairs):
        with split:
            ours.append(timed(export))
        theirs.append(timed(copy_out))
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    note = f"{options.users} users; usher {median(ours):.2f} s, COPY of the same columns {median(theirs):.2f} s; {split}"
    raw = {"usher_seconds": ours, "copy_seconds": theirs, "cpu_seconds": split.seconds}
    report.add(Figure("P-10 export / COPY TO", median(ratios), "", RATE_MIN, "more", options.pairs, spread(ratios), strangers.share(), note, raw))
