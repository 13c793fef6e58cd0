"""P-16: mails that wait, composed, sealed, and handed to a mail server, beside pgbench, which claims and deletes as many jobs as those are.
A mail is two jobs: one makes it, one sends it."""

import itertools
import json

from harness.waiting import until

from .. import pgbench, template
from ..cluster import Cluster
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..report import Report
from ..sink import Sink
from ..site import Site

RATIO_MIN = 0.5
_JOBS_A_MAIL = 2
# As usher's workers do it: eight are claimed at once, and each is deleted when it is done.
_AT_ONCE = 8
_CLIENTS = 8
_TURNS = 250
_SECONDS_MAX = 600

_WAITING = """
insert into jobs (id, kind, payload, run_at, created_at)
select gen_random_uuid(), 'compose_mail', jsonb_build_object('template', 'password_changed', 'user_id', id, 'about', %s::jsonb), now(), now()
from (select id from users where status = 'active' order by created_at offset %s limit %s) u"""
_ABOUT = {"at": "2026-01-02T03:04:05Z", "address": "192.0.2.7", "user_agent": "bench"}
_BENCH_JOBS = """
insert into jobs (id, kind, payload, run_at, created_at)
select gen_random_uuid(), 'bench', '{"mail_id": "019b76da-0000-7000-8000-000000000000"}', now(), now() from generate_series(1, %s)"""
_CLAIM = f"""
with claimed as (
    update jobs
    set claimed_until = now() + interval '30 seconds', attempts = attempts + 1
    where id in (
        select id
        from jobs
        where dead_at is null and run_at <= now() and (claimed_until is null or claimed_until <= now())
        order by run_at
        limit {_AT_ONCE}
        for update skip locked
    )
    returning id, kind, payload, attempts, unique_key is not null as is_periodic
)
select coalesce(array_agg(id), '{{}}') as ids from claimed
\\gset
""" + "".join(f"delete from jobs where id = (:ids::uuid[])[{number}] and attempts = 1;\n" for number in range(1, _AT_ONCE + 1))


def run(options: Options) -> None:
    report = Report("P-16", options.users)
    count = min(500 if options.quick else 5000, options.users // (2 * options.pairs))
    with Sink() as sink, template.running(options.binary, options.users, **sink.settings) as site:
        split, rounds = Split([site.pid], site.cluster.pid), itertools.count()

        def ours() -> float:
            return _drain(site, split, next(rounds) * count, count)

        def theirs() -> float:
            return _claims(site.cluster) / _JOBS_A_MAIL

        one, other = rates_in_turns(site.cluster, ours, theirs, options.pairs)
        report.compare("P-16 mails / pgbench of their claims", RATIO_MIN, one, other, split, "pgbench", f"{count} mails a half")
    report.write()


def _drain(site: Site, split: Split, first: int, count: int) -> float:
    """Mails a second, from the first that is sent to the last."""
    site.stop()
    with site.cluster.connect() as sql:
        sql.execute("truncate mails")
        sql.execute("vacuum (analyze) jobs")
        sql.execute(_WAITING, (json.dumps(_ABOUT), first, count))
    site.start()
    split.servers = [site.pid]
    with split:
        sent = "select count(*) from mails where status = 'sent'"
        until("all mails are sent", lambda: site.cluster.rows(sent) == [(count,)], seconds=_SECONDS_MAX)
    ((seconds,),) = site.cluster.rows("select extract(epoch from max(sent_at) - min(sent_at))::float8 from mails")
    site.stop()
    return (count - 1) / seconds


def _claims(cluster: Cluster) -> float:
    """Jobs a second; no server runs meanwhile."""
    with cluster.connect() as sql:
        sql.execute(_BENCH_JOBS, (_AT_ONCE * _CLIENTS * _TURNS,))
        # What the half before has left is in nobody's way.
        sql.execute("vacuum (analyze) jobs")
    rate = pgbench.rate(cluster, [_CLAIM], _CLIENTS, transactions=_TURNS)
    cluster.execute("delete from jobs where kind = 'bench'")
    return rate * _AT_ONCE
