"""P-05: refresh tokens exchanged at 64 connections, each used once and followed by a new one, and sign-ins from where the password has been
right; both beside pgbench, which inserts one durable row into the same table at 64 clients.

No sign-in does without the hash of a password. But where a second factor is bound the hash comes with the request before: so these are
sign-ins that wait for it, as the database keeps them, each with a recovery code of its own. They write more than one without a second
factor: the code is used up, and its user is to be told."""

import json
import random
import secrets
import tempfile
from base64 import urlsafe_b64encode
from functools import partial
from hashlib import sha256
from pathlib import Path

from .. import pgbench, template, wrk
from ..cluster import Cluster
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..people import People, lines
from ..report import Report
from ..site import Site

RATIO_MIN = 0.7
CONNECTIONS = 64
# One token is taken for a look, and one may be on its way on each connection.
_TOKENS = CONNECTIONS + 16
# So many wait for each second of a load: more than are done.
_WAITING = 5_000
# Recovery codes: as many as anybody has, and of what.
_CODES, _ALPHABET, _CHARACTERS = 10, "0123456789abcdefghjkmnpqrstvwxyz", 24

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
# Users with a known device and an app. Nobody has its secret: that it is bound is all that matters to a recovery code.
_BOUND = """
with bound as (
    insert into totp_factors (user_id, secret_sealed, created_at, confirmed_at, accepted_step)
    select id, '\\x00', now(), now(), 0 from users where status = 'active' order by created_at limit %s
    returning user_id
)
insert into devices (id, user_id, token_hash, created_at, last_seen_at)
select gen_random_uuid(), user_id, sha256(uuid_send(user_id)), now(), now() from bound"""
_BEGUN = """
select u.id, u.auth_epoch, d.id, now(), now() + interval '5 minutes'
from users u
join totp_factors t on t.user_id = u.id
join devices d on d.user_id = u.id"""


def run(options: Options) -> None:
    report = Report("P-05", options.users)
    _refresh(report, options)
    _sign_in(report, options)
    report.write()


def _refresh(report: Report, options: Options) -> None:
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as folder:
        people = People(site, _TOKENS)
        site.cluster.execute(_SESSIONS)
        split = Split([site.pid], site.cluster.pid)

        def ours() -> float:
            tokens = lines(Path(folder), people.refresh_tokens(_TOKENS))
            with split:
                return wrk.load(site.base_url, "refresh", CONNECTIONS, options.burst_seconds, tokens).rate

        one, other = rates_in_turns(site.cluster, ours, partial(_inserts, site.cluster, options), options.pairs)
        report.compare("P-05 refresh / pgbench insert of a token", RATIO_MIN, one, other, split, "pgbench")


def _sign_in(report: Report, options: Options) -> None:
    # Mails about codes are written when somebody works at them (P-16).
    with template.running(options.binary, options.users, USHER_RUN_WORKER="false") as site, tempfile.TemporaryDirectory() as folder:
        count = _WAITING * options.burst_seconds
        site.cluster.execute(_SESSIONS)
        with site.cluster.connect() as sql:
            sql.execute(_BOUND, (count // _CODES,))
        split = Split([site.pid], site.cluster.pid)

        def ours() -> float:
            bodies = lines(Path(folder), _wait(site, count))
            with split:
                return wrk.load(site.base_url, "post", CONNECTIONS, options.burst_seconds, "/v1/login/second-factor", bodies).rate

        one, other = rates_in_turns(site.cluster, ours, partial(_inserts, site.cluster, options), options.pairs)
        report.compare("P-05 sign-in after its hash / pgbench insert of a token", RATIO_MIN, one, other, split, "pgbench")


def _inserts(cluster: Cluster, options: Options) -> float:
    return pgbench.rate(cluster, [_INSERT], CONNECTIONS, options.burst_seconds)


def _wait(site: Site, count: int) -> list[str]:
    """Sign-ins that wait, of all users who are bound in turn: what each is to send."""
    bodies, pending, codes = [], [], []
    begun = site.cluster.rows(_BEGUN)
    for number in range(count):
        user_id, epoch, device, now, expires = begun[number % len(begun)]
        token, code = secrets.token_bytes(32), "".join(random.choices(_ALPHABET, k=_CHARACTERS))
        pending.append((sha256(b"pending_sign_in\0" + token).digest(), user_id, epoch, device, now, expires))
        codes.append((user_id, sha256(b"recovery code\0" + user_id.bytes + code.encode()).digest(), now))
        shown = urlsafe_b64encode(token).rstrip(b"=").decode()
        bodies.append(json.dumps({"pending_token": f"ush_pending_{shown}", "code": code}))
    columns = {
        "pending_sign_ins (token_hash, user_id, auth_epoch, device_id, created_at, expires_at)": pending,
        "recovery_codes (user_id, code_hash, created_at)": codes,
    }
    with site.cluster.connect() as sql, sql.cursor() as cursor:
        cursor.execute("truncate pending_sign_ins, recovery_codes")
        for table, rows in columns.items():
            with cursor.copy(f"copy {table} from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.execute("analyze pending_sign_ins, recovery_codes")
    return bodies
