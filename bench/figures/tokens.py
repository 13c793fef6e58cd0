"""P-05: refresh tokens exchanged at 64 connections, each used once and followed by a new one, beside pgbench, which inserts one durable
row into the same table at 64 clients."""

import tempfile
from pathlib import Path

from .. import pgbench, template, wrk
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..people import People, lines
from ..report import Report

RATIO_MIN = 0.7
CONNECTIONS = 64
# One token is taken for a look, and one may be on its way on each connection.
_TOKENS = CONNECTIONS + 16

# Sessions with ids that follow from numbers, so that pgbench need not look for one.
_SESSION = "('019b76da-0000-7000-8000-' || lpad(({0})::text, 12, '0'))::uuid"
_SESSIONS = f"""
insert into sessions (id, user_id, auth_epoch, created_at, last_seen_at, expires_at, amr)
select {_SESSION.format("n")}, u.id, u.auth_epoch, now(), now(), now() + interval '1 day', array['pwd']
from generate_series(1, 1000) n
cross join (select id, auth_epoch from users where status = 'active' order by created_at limit 1) u"""
_INSERT = f"""
\\set n random(1, 1000)
\\set a random(1, 9000000000000000000)
\\set b random(1, 9000000000000000000)
insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
values (
    int8send(:a::bigint) || int8send(:b::bigint) || int8send(:a::bigint) || int8send(:b::bigint), {_SESSION.format(":n::bigint")}, now(), now() + interval '30 days'
);"""


def run(options: Options) -> None:
    report = Report("P-05", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as folder:
        people = People(site, _TOKENS)
        site.cluster.execute(_SESSIONS)
        split = Split([site.pid], site.cluster.pid)

        def ours() -> float:
            tokens = lines(Path(folder), people.refresh_tokens(_TOKENS))
            with split:
                return wrk.load(site.base_url, "refresh", CONNECTIONS, options.burst_seconds, tokens).rate

        def theirs() -> float:
            return pgbench.rate(site.cluster, [_INSERT], CONNECTIONS, options.burst_seconds)

        one, other = rates_in_turns(ours, theirs, options.pairs)
        report.compare("P-05 refresh / pgbench insert of a token", RATIO_MIN, one, other, split, "pgbench")
    report.write()
