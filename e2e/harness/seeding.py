"""Made-up users in numbers, by the SQL of `cargo xtask seed`."""

import subprocess
from pathlib import Path

from .database import program

ROOT = Path(__file__).resolve().parent.parent.parent
_BATCH = 20_000
# For the attributes of these users.
SCHEMA = {
    "type": "object",
    "properties": {
        "department": {"type": "string", "maxLength": 100, "searchable": True},
        "city": {"type": "string", "maxLength": 100, "searchable": True},
        "level": {"type": "number", "searchable": True},
        "start_date": {"type": "string", "format": "date", "searchable": True},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 50}, "searchable": True},
    },
    "required": [],
    "additionalProperties": True,
}
_SESSION = "set timezone = 'UTC'; set synchronous_commit = off; set gin_pending_list_limit = '64MB';\n"

# The users in the order in which they came; the first group has every second of them, and one of ten is in one of the others.
_BELONGINGS = """
create temporary table numbered as select id, created_at, row_number() over (order by created_at, id)::int as n from users;
with made as (
    insert into groups (id, name, description, created_at, updated_at)
    select gen_random_uuid(), 'Group ' || n, '', now(), now()
    from generate_series(1, 400) as n
    returning id
)
insert into group_closure (group_id, ancestor_id)
select id, id
from made;
insert into group_members (user_id, group_id, granted_at)
select u.id, g.id, now()
from numbered u
join groups g on g.name = 'Group ' || case when u.n % 2 = 0 then 1 else 2 + u.n / 10 % 399 end
where u.n % 2 = 0 or u.n % 10 = 1;
insert into last_active_days (user_id, day)
select id, created_at::date + n % 900
from numbered
on conflict do nothing;
insert into totp_factors (user_id, secret_sealed, created_at, confirmed_at, accepted_step)
select id, '', now(), now(), 0
from numbered
where n % 500 = 0;
insert into passkeys (id, user_id, credential_id, credential, name, is_backed_up, created_at)
select gen_random_uuid(), id, uuid_send(id), '{}', 'Phone', false, now()
from numbered
where n % 1000 = 500;
analyze groups, group_closure, group_members, last_active_days, totp_factors, passkeys;
"""


def seed_belongings(place: list[str]) -> None:
    """Gives users who are there groups, days of activity and second factors."""
    psql(place, _SESSION + _BELONGINGS)


def seed(place: list[str], users: int) -> int:
    """Puts the users that are missing into a database, which psql finds by these words, and returns how many that were."""
    text = (ROOT / "xtask/src/seed/users.sql").read_text()
    added = 0
    for first in range(1, users + 1, _BATCH):
        numbers = {"first": first, "last": min(first + _BATCH - 1, users), "total": users}
        added += int(
            psql(place, _SESSION + "".join(f"\\set {name} {value}\n" for name, value in numbers.items()) + text)
        )
    psql(place, "vacuum (analyze) users, emails, user_roles;")
    return added


def psql(place: list[str], script: str) -> str:
    command = [program("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", *place]
    ended = subprocess.run(command, input=script, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, f"psql ended with {ended.returncode}: {ended.stderr[-2000:]}"
    return ended.stdout
