"""Suspending many users in bulk, beside one UPDATE of as many rows that writes the same audit."""

import json
import os
import time
from statistics import median

from .. import template
from ..load import Connection, timed
from ..machine import Split, Strangers, memory_peak
from ..options import Options
from ..report import Figure, Report
from ..site import Site
from ..statistics import spread
from .lists import MEMORY_MAX_MB

RATIO_MAX = 2
# So many of the users on each side: of all pairs with --quick, of each pair with --full.
_SHARE = 0.1
_USERS_MAX = 100_000

# One statement as somebody would write it who has no usher: rows, events, details, what waits for the sealer.
_UPDATE = """
with changed as (
    update users u
    set status = 'suspended', auth_epoch = auth_epoch + 1, version = version + 1, updated_at = now()
    where u.id = any(%(ids)s::uuid[]) and u.status = 'active'
    returning u.id
),
written as materialized (
    select gen_random_uuid() as event_id, id, uuid_send(gen_random_uuid()) as salt,
        jsonb_build_object('changes', jsonb_build_object('status', jsonb_build_array('active', 'suspended')), 'reason', 'bench')::text as content
    from changed
),
events as (
    insert into audit_events (id, occurred_at, action, outcome, actor_kind, target_kind, target_id, subject_id, details_hash)
    select event_id, now(), 'user.suspended', 'success', 'cli', 'user', id::text, id, sha256(salt || convert_to(content, 'UTF8'))
    from written
),
changes as (
    insert into audit_changes (event_id, change_id) select event_id, event_id from written
),
details as (
    insert into audit_details (event_id, salt, content) select event_id, salt, content from written
)
insert into audit_unsealed (event_id) select event_id from written"""


def run(options: Options) -> None:
    report = Report("bulk", options.users)
    size, pairs = int(min(_USERS_MAX, options.users * _SHARE)), options.pairs
    with template.running(options.binary, options.users) as site, site.cluster.connect() as sql:
        if options.quick:
            size //= pairs
        else:
            # Nobody is suspended twice.
            pairs = min(pairs, site.cluster.rows("select count(*) from users where status = 'active'")[0][0] // (2 * size))
        slices = active_slices(site, 2 * pairs, size)
        usher = Connection(site.base_url, site.key)
        strangers, split = Strangers([os.getpid(), site.pid, site.cluster.pid]), Split([site.pid], site.cluster.pid)
        ours, theirs = [], []
        for pair in range(pairs):
            with split:
                ours.append(suspend(site, usher, *slices[2 * pair]))
            ids = [row[0] for row in _active(site, *slices[2 * pair + 1])]
            theirs.append(timed(lambda ids=ids: sql.execute(_UPDATE, {"ids": ids})) / len(ids))
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        note = f"{size} users a half; usher {median(ours) * 1e3:.2f} ms a user, UPDATE {median(theirs) * 1e3:.2f} ms; {split}"
        raw = {"usher_seconds_a_user": ours, "update_seconds_a_user": theirs, "cpu_seconds": split.seconds}
        figure = Figure(
            "bulk suspend / UPDATE with audit", median(ratios), "", RATIO_MAX, n=pairs, spread=spread(ratios), strangers=strangers.share(), note=note, raw=raw
        )
        report.add(figure)
        report.add(Figure("bulk memory of usher", memory_peak(site.pid) / 1e6, " MB", MEMORY_MAX_MB))
    report.write()


def active_slices(site: Site, count: int, size: int) -> list[tuple]:
    """Disjoint slices of the users, so many in each, cut by the time they came: the first and the last time."""
    return site.cluster.rows(
        "select min(created_at), max(created_at) from (select created_at, ntile(%s) over (order by created_at) as slice "
        "from (select created_at from users where status = 'active' order by created_at limit %s) u) u group by slice order by slice",
        (count, count * size),
    )


def _active(site: Site, first: object, last: object) -> list[tuple]:
    return site.cluster.rows("select id from users where status = 'active' and created_at between %s and %s", (first, last))


def suspend(site: Site, usher: Connection, first: object, last: object) -> float:
    """Seconds a user of a run, from its beginning; the preview is not in it."""
    asked = f'createdAt ge "{first.isoformat()}" and createdAt le "{last.isoformat()}" and status eq "active"'
    preview = json.loads(usher.send("POST", "/v1/bulk", json.dumps({"action": "suspend", "filter": asked}).encode()))
    began = time.perf_counter()
    usher.send("POST", f"/v1/bulk/{preview['id']}/run", json.dumps({"token": preview["token"]}).encode())
    state = site.state_after("bulk_runs", preview["id"], "running")
    passed = time.perf_counter() - began
    assert state == "finished", state
    done = json.loads(usher.get(f"/v1/bulk/{preview['id']}"))["counts"]["done"]
    assert done, "nobody was suspended"
    return passed / done
