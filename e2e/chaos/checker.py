"""Holds a history against what is left. Every function returns sentences: what is wrong, one a finding. None is good.

Each change has its audit rows, in its transaction, with the id of its request. So what a request has done can be told from the
trail, and the trail from the rows: a half-effect is a difference between the two.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from .history import MARK, Asked
from .state import Row, State, stored_hash

# The rows of the trail that a request writes when it does its work. It may write more.
EFFECTS: dict[str, set[str]] = {
    "register": {"user.created", "user.registered"},
    "verify": {"email.verified", "user.activated"},
    "login": {"sign_in", "session.begun"},
    "refresh": set(),
    "logout": {"session.ended"},
    "patch": {"user.updated"},
    "forgot": set(),
    "reset": {"password.set", "user.sessions_ended"},
    "create": {"user.created"},
    "roles": {"user.roles_set"},
    "delete": {"user.deleted"},
    "restore": {"user.restored"},
}
# What a mail is sent for: the row of the trail that asks for it. `user.created` stands for those by administrators.
CAUSES = {
    "verify_email": "user.registered",
    "welcome": "user.created",
    "password_changed": "password.set",
    "reset_password": "password_reset.started",
}
# These come for every cause, unless the person was deleted meanwhile; others may be held back by a limit.
PROMISED = ("verify_email", "welcome", "password_changed")
TOKEN_EFFECTS = {"verify_email": "email.verified", "reset_password": "password.set", "set_password": "password.set"}
FOLLOWED = ("username", "display_name", "status", "roles")


def violations(history: list[Asked], state: State) -> list[str]:
    """Everything that is wrong."""
    checks = (
        *(lost_and_half_effects, unasked_effects, answers_of_one_key, lost_refreshes),
        *(broken_trails, rows_without_trail, half_users, half_passwords, half_tokens, half_sessions),
        *(mails_without_change, lost_mails, stuck_jobs, wrong_passwords),
    )
    return [f"{check.__name__}: {finding}" for check in checks for finding in check(history, state)]


def lost_and_half_effects(history: list[Asked], state: State) -> Iterable[str]:
    """An acknowledged change has its whole effect, once. One without an answer has it once or not at all; a refused one never."""
    done = by(succeeded(state), "request_id")
    for change in changes(history):
        whole = EFFECTS[change[0].kind]
        found: dict[str, int] = defaultdict(int)
        for asked in change:
            for event in done.get(asked.id, []):
                if event["action"] in whole:
                    found[event["action"]] += 1
                    if asked.refused:
                        yield f"{named(asked)} was refused ({asked.status}) and has written {event['action']}"
        if any(count > 1 for count in found.values()):
            yield f"{named(change[0])} took effect more than once: {dict(found)}"
        missing = whole - set(found)
        if missing and any(asked.sure for asked in change):
            yield f"{named(change[0])} was acknowledged and is lost: no {sorted(missing)}"
        elif missing and found:
            yield f"{named(change[0])} has half its effect: {sorted(found)} without {sorted(missing)}"


def unasked_effects(history: list[Asked], state: State) -> Iterable[str]:
    """Nothing bears the id of a request that was never made."""
    known = {asked.id for asked in history}
    for event in state.events:
        request_id = event["request_id"] or ""
        if request_id.startswith(MARK) and request_id not in known:
            yield f"{event['action']} bears {request_id}, which nobody asked"


def answers_of_one_key(history: list[Asked], _state: State) -> Iterable[str]:
    """Repetitions under one Idempotency-Key are given the first answer."""
    for change in changes(history):
        ids = {asked.answer.get("id") for asked in change if asked.sure}
        if len(ids) > 1:
            yield f"{named(change[0])} was answered in different ways: {sorted(map(str, ids))}"


def lost_refreshes(history: list[Asked], state: State) -> Iterable[str]:
    """An acknowledged refresh has used its token up, and the one it gave is there."""
    kept = {row["hash"]: row for row in state.refresh_tokens}
    for asked in history:
        if not asked.sure or asked.kind not in ("login", "refresh"):
            continue
        if stored_hash(asked.answer["refresh_token"]) not in kept:
            yield f"{named(asked)} gave a refresh token that is not there"
        if asked.kind == "refresh":
            row = kept.get(stored_hash(asked.wanted["refresh_token"]))
            if row is None or row["used_at"] is None:
                yield f"{named(asked)} was acknowledged, and its refresh token is unused"
    for token in state.dead_ends:
        yield f"a session that nobody has ended is gone: its refresh token {token[:16]}... does not work"


def broken_trails(_history: list[Asked], state: State) -> Iterable[str]:
    """Every row of the trail begins where the one before it ended, and the last one ends at what is there."""
    roles = {row["user_id"]: row["names"] for row in state.roles}
    trails = by((event for event in succeeded(state) if event["target_kind"] == "user"), "target_id")
    for user in state.users:
        now = {**user, "roles": roles.get(user["id"], [])}
        told: dict[str, Any] = {}
        for event in sorted(trails.get(user["id"], []), key=in_time):
            for name in FOLLOWED:
                change = event["changes"].get(name)
                if not isinstance(change, dict) or set(change) != {"before", "after"}:
                    continue
                if told.get(name) != change["before"]:
                    yield f"{user['id']}: {event['action']} changed {name} from what it was not"
                told[name] = change["after"]
        for name in FOLLOWED:
            if told.get(name) != now[name]:
                yield f"{user['id']}: {name} is {now[name]!r}, the trail says {told.get(name)!r}"


def rows_without_trail(history: list[Asked], state: State) -> Iterable[str]:
    """Users and sessions are made once by the trail, and the trail makes none that are not there."""
    purged = {event["target_id"] for event in succeeded(state) if event["action"] == "user.purged"}
    for action, rows in (("user.created", state.users), ("session.begun", state.sessions)):
        made = [event["target_id"] for event in succeeded(state) if event["action"] == action]
        there = {row["id"] for row in rows}
        for row in there - set(made):
            yield f"{row} is there without {action}"
        for target in set(made) - there - purged:
            yield f"{target} has {action} and is not there"
        if len(made) != len(set(made)):
            yield f"something was made twice: {action}"
    meant = {asked.subject for asked in history}
    for email in state.emails:
        if email["address_normal"] not in meant:
            yield f"{email['address_normal']} belongs to nobody who was asked for"


def half_users(_history: list[Asked], state: State) -> Iterable[str]:
    """A user has one primary address and a role, and is active only with a verified address that the trail tells of."""
    addresses = by(state.emails, "user_id")
    roles = {row["user_id"] for row in state.roles}
    proofs = {
        (event["target_id"], event["occurred_at"])
        for event in succeeded(state)
        if event["action"] in ("email.verified", "password.set", "server.set_up")
    }
    for user in state.users:
        primary = [row for row in addresses.get(user["id"], []) if row["is_primary"]]
        if len(primary) != 1:
            yield f"{user['id']} has {len(primary)} primary addresses"
            continue
        if user["id"] not in roles:
            yield f"{user['id']} has no role"
        verified_at = primary[0]["verified_at"]
        if user["status"] == "active" and verified_at is None:
            yield f"{user['id']} is active without a verified address"
        if verified_at is not None and (user["id"], verified_at) not in proofs:
            yield f"{user['id']} has an address that was verified at {verified_at} by nothing"


def half_passwords(_history: list[Asked], state: State) -> Iterable[str]:
    """A password is as old as the last row of the trail that set one."""
    setting = ("user.registered", "password.set", "server.set_up")
    set_at: dict[str, str] = {}
    for event in sorted(succeeded(state), key=in_time):
        if event["action"] in setting:
            set_at[event["target_id"]] = event["occurred_at"]
    there = {row["user_id"]: row["changed_at"] for row in state.credentials}
    for user_id in set(set_at) | set(there):
        if set_at.get(user_id) != there.get(user_id):
            yield f"{user_id}: the password is of {there.get(user_id)}, the trail says {set_at.get(user_id)}"


def half_tokens(_history: list[Asked], state: State) -> Iterable[str]:
    """A token that was used up has had its effect, in the same transaction; and there is no such effect without one.

    Tokens are also used up unused: by a newer one, and by a change of the user's password or standing.
    """
    happened = {(event["target_id"], event["occurred_at"], event["action"]) for event in succeeded(state)}
    killed = {(user_id, moment) for user_id, moment, action in happened if action not in TOKEN_EFFECTS.values()}
    killed |= {(user_id, moment) for user_id, moment, action in happened if action == "password.set"}
    newer = {(row["user_id"], row["created_at"], row["purpose"]) for row in state.tokens}
    used = set()
    for row in state.tokens:
        user_id, moment, purpose = row["user_id"], row["used_at"], row["purpose"]
        if moment is None or purpose not in TOKEN_EFFECTS:
            continue
        effect = (user_id, moment, TOKEN_EFFECTS[purpose])
        used.add(effect)
        if effect not in happened and (user_id, moment) not in killed and (user_id, moment, purpose) not in newer:
            yield f"{user_id}: a token {purpose} was used up at {moment} without effect"
    for effect in happened - used:
        if effect[2] in TOKEN_EFFECTS.values():
            yield f"{effect[0]}: {effect[2]} at {effect[1]} without a token"


def half_sessions(_history: list[Asked], state: State) -> Iterable[str]:
    """A used refresh token has one successor of the same moment, or its refusal is in the trail; an end is in the trail too."""
    made = {(row["session_id"], row["created_at"]) for row in state.refresh_tokens}
    refused = {
        (event["target_id"], event["occurred_at"]) for event in state.events if event["action"] == "session.refreshed"
    }
    for row in state.refresh_tokens:
        moment = (row["session_id"], row["used_at"])
        if row["used_at"] is not None and moment not in made and moment not in refused:
            yield f"session {row['session_id']}: a refresh token was used up at {row['used_at']} without a successor"
    fresh = by((row for row in state.refresh_tokens if row["used_at"] is None), "session_id")
    ending = ("session.ended", "refresh_token.reused")
    ended = {event["target_id"] for event in state.events if event["action"] in ending}
    for session in state.sessions:
        if len(fresh.get(session["id"], [])) > 1:
            yield f"session {session['id']} has more than one fresh refresh token"
        if (session["ended_at"] is not None) != (session["id"] in ended):
            yield f"session {session['id']} and the trail differ on whether it was ended"


def mails_without_change(_history: list[Asked], state: State) -> Iterable[str]:
    """Each mail that was sent is one of the queue, goes to an address that is there, and has the change that asked for it."""
    queue = {row["id"]: row for row in state.mails}
    addresses = {row["address_normal"] for row in state.emails}
    tokens = {row["hash"] for row in state.tokens}
    for mail in state.delivered:
        row = queue.get(mail.id)
        if mail.recipient not in addresses:
            yield f"a mail went to {mail.recipient}, who is not there: its change was rolled back"
        if row is None:
            yield f"a mail to {mail.recipient} came that the queue does not know"
            continue
        if row["recipient"].lower() != mail.recipient:
            yield f"mail {mail.id} is for {row['recipient']} and went to {mail.recipient}"
        for token in mail.tokens:
            if stored_hash(token) not in tokens:
                yield f"mail {mail.id} holds a link that is not there"
    asked = causes(state)
    for (user_id, template), count in counted((row["user_id"], row["template"]) for row in state.mails).items():
        if template in CAUSES and count > asked.get((user_id, template), 0):
            yield f"{user_id}: {count} mails {template} for {asked.get((user_id, template), 0)} changes"


def lost_mails(_history: list[Asked], state: State) -> Iterable[str]:
    """A mail that a change promised is in the queue, and what the queue calls sent has come."""
    deleted = {event["target_id"] for event in succeeded(state) if event["action"] == "user.deleted"}
    there = counted((row["user_id"], row["template"]) for row in state.mails)
    for (user_id, template), count in causes(state).items():
        if template in PROMISED and user_id not in deleted and there.get((user_id, template), 0) < count:
            yield f"{user_id}: {there.get((user_id, template), 0)} mails {template} for {count} changes"
    come = {mail.id for mail in state.delivered}
    for row in state.mails:
        if row["status"] == "sent" and row["id"] not in come:
            yield f"mail {row['id']} is called sent and has not come"
        if row["status"] != "sent":
            yield f"mail {row['id']} is still {row['status']}"


def stuck_jobs(_history: list[Asked], state: State) -> Iterable[str]:
    """The queue is empty when all is over."""
    for row in state.jobs:
        yield f"a job {row['kind']} is left after {row['attempts']} attempts: {row['last_error']}"


def wrong_passwords(history: list[Asked], state: State) -> Iterable[str]:
    """The password that opens an account is that of the last change that took effect, and no other does."""
    took = {event["request_id"] for event in succeeded(state) if event["action"] in ("user.registered", "password.set")}
    last: dict[str, str] = {}
    for asked in history:
        if asked.kind in ("register", "reset") and asked.id in took:
            last[asked.subject] = asked.wanted["password"]
    for address, opening in state.opening.items():
        if opening != [last.get(address)]:
            yield f"{address} is opened by {len(opening)} passwords, or by one that was not set last"


def succeeded(state: State) -> list[Row]:
    return [event for event in state.events if event["outcome"] == "success"]


def in_time(event: Row) -> tuple[str, str]:
    return event["occurred_at"], event["id"]


def changes(history: list[Asked]) -> Iterable[list[Asked]]:
    """Requests that are one change: those of one Idempotency-Key, and each other one alone."""
    together: dict[str, list[Asked]] = {}
    for asked in history:
        together.setdefault(asked.key or asked.id, []).append(asked)
    return together.values()


def causes(state: State) -> dict[tuple[str, str], int]:
    """How many mails of each kind the trail asks for, by user."""
    registered = {event["target_id"] for event in succeeded(state) if event["action"] in ("user.registered", "server.set_up")}
    asked = []
    for template, action in CAUSES.items():
        for event in succeeded(state):
            if event["action"] == action and not (template == "welcome" and event["target_id"] in registered):
                asked.append((event["target_id"], template))
    return counted(asked)


def counted(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = defaultdict(int)
    for key in keys:
        found[key] += 1
    return found


def by(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def named(asked: Asked) -> str:
    return f"{asked.kind} {asked.id} of {asked.subject}"
