"""What the database holds, and what the mail sink was given: the truth that a history is held against."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import scalar_row

from harness.mailbox import Mail

Row = dict[str, Any]

_QUERIES = {
    "users": "select id, username, status, display_name, auth_epoch from users",
    "emails": "select id, user_id, address_normal, is_primary, verified_at from emails",
    "roles": "select user_id, array_agg(role_name order by role_name) as names from user_roles group by user_id",
    "credentials": "select user_id, changed_at from password_credentials",
    "tokens": "select encode(token_hash, 'hex') as hash, purpose, user_id, created_at, used_at from one_time_tokens",
    "sessions": "select id, user_id, auth_epoch, ended_at from sessions",
    "refresh_tokens": "select encode(token_hash, 'hex') as hash, session_id, created_at, used_at from refresh_tokens",
    "events": (
        "select e.id, e.occurred_at, e.action, e.outcome, e.target_kind, e.target_id, e.request_id, "
        "coalesce(d.content::jsonb -> 'changes', '{}') as changes "
        "from audit_events e left join audit_details d on d.event_id = e.id"
    ),
    "mails": "select id, user_id, template, recipient, status from mails",
    "jobs": "select kind, unique_key, attempts, dead_at, last_error from jobs where unique_key is null",
}

# Prefixes of bearer secrets, and the purposes that are hashed with them.
_PURPOSES = {
    "ush_verify_": "verify_email",
    "ush_reset_": "reset_password",
    "ush_welcome_": "set_password",
    "ush_confirm_": "confirm_email",
    "ush_undo_": "undo_deletion",
    "ush_report_": "report_sign_in",
    "ush_refresh_": "refresh",
}


@dataclass
class Delivered:
    """A mail that the sink was given."""

    id: str
    recipient: str
    tokens: list[str] = field(default_factory=list)


@dataclass
class State:
    """All rows, as JSON would show them: times are texts and equal exactly when they are the same moment."""

    users: list[Row] = field(default_factory=list)
    emails: list[Row] = field(default_factory=list)
    roles: list[Row] = field(default_factory=list)
    credentials: list[Row] = field(default_factory=list)
    tokens: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    refresh_tokens: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    mails: list[Row] = field(default_factory=list)
    jobs: list[Row] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    # Which of the passwords that were ever asked for open the account of an address now.
    opening: dict[str, list[str]] = field(default_factory=dict)
    # Refresh tokens that must work, and do not.
    dead_ends: list[str] = field(default_factory=list)


def connect(data_dir: Path) -> psycopg.Connection[Any]:
    """To the private PostgreSQL of a server, beside it."""
    lines = (data_dir / "postgres" / "postmaster.pid").read_text().split("\n")
    return psycopg.connect(
        host=lines[4], port=int(lines[3]), user="usher", dbname="usher", autocommit=True, row_factory=scalar_row
    )


def read(data_dir: Path) -> State:
    """All rows as of one moment."""
    state = State()
    with connect(data_dir) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        for name, query in _QUERIES.items():
            rows = connection.execute(f"select coalesce(json_agg(rows), '[]') from ({query}) as rows").fetchone()
            setattr(state, name, rows)
    return state


def delivered(mail: Mail) -> Delivered:
    found = re.fullmatch(r"<([^@>]+)@[^>]+>", str(mail.message["message-id"]).strip())
    assert found, "a mail has no Message-ID"
    tokens = [link.partition("token=")[2] for link in mail.links]
    return Delivered(found[1], mail.recipients[0].lower(), tokens)


def stored_hash(token: str) -> str:
    """What the database holds of a bearer secret."""
    prefix = next((prefix for prefix in _PURPOSES if token.startswith(prefix)), None)
    assert prefix, "a secret of an unknown kind"
    random = base64.urlsafe_b64decode(token.removeprefix(prefix) + "=")
    return hashlib.sha256(_PURPOSES[prefix].encode() + b"\0" + random).hexdigest()
