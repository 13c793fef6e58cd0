"""P-12: users created over the API, each with address, role, audit event and the job of a mail, beside pgbench, which inserts the bare
row. The indexes for searching stand on both sides. What the jobs do later is not in it (P-16)."""

import itertools
import json

from .. import pgbench, template, wrk
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..people import People
from ..report import Report

RATIO_MIN = 0.5
CLIENTS = 32

# A UUID of version 7, as usher makes them: rows that come together lie together.
_INSERT = """
\\set n random(1, 9000000000000000000)
\\set a random(1, 9000000000000000000)
insert into users (
    id, username, status, given_name, family_name, display_name, locale, time_zone, attributes, created_at, updated_at
)
values (
    (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7000' || '8' || lpad(to_hex(:a::bigint), 15, '0'))::uuid,
    'p' || :n::bigint, 'pending', 'Given' || :n::bigint % 211, 'Family' || :n::bigint % 307, 'Given' || :n::bigint % 211 || ' Family' || :n::bigint % 307, 'de', 'Europe/Berlin',
    '{"city": "Berlin", "department": "Sales", "level": 3, "start_date": "2024-05-05", "tags": ["beta", "remote"]}', now(), now()
);"""


def body(name: str, number: int) -> bytes:
    """What `create.lua` sends: somebody whom nobody knows yet."""
    given, family = f"Given{number % 211}", f"Family{number % 307}"
    attributes = {"city": "Berlin", "department": "Sales", "level": 1 + number % 9, "start_date": f"2024-05-{1 + number % 28:02}", "tags": ["beta", "remote"]}
    names = {"username": name, "given_name": given, "family_name": family, "display_name": f"{given} {family}"}
    asked = {"email": f"{name}@bench.example.com", **names, "locale": "de", "time_zone": "Europe/Berlin", "attributes": attributes}
    return json.dumps(asked).encode()


def run(options: Options) -> None:
    report = Report("P-12", options.users)
    with template.running(options.binary, options.users, USHER_RUN_WORKER="false") as site:
        people = People(site, 1)
        split, marks = Split([site.pid], site.cluster.pid), itertools.count()

        def ours() -> float:
            token = people.access_token()
            with split:
                return wrk.load(site.base_url, "create", CLIENTS, options.burst_seconds, f"new{next(marks)}", token).rate

        def theirs() -> float:
            return pgbench.rate(site.cluster, [_INSERT], CLIENTS, options.burst_seconds)

        one, other = rates_in_turns(site.cluster, ours, theirs, options.pairs)
        report.compare("P-12 create a user / pgbench insert of the row", RATIO_MIN, one, other, split, "pgbench")
    report.write()
