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
