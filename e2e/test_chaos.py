"""Kills under mixed writes (R-280, R-281): nothing acknowledged is lost, nothing is half done, no mail tells of what did not happen.

The checks themselves are tested too: on histories that were doctored, and against a binary that holds planted faults.
"""

import copy
from collections.abc import Callable

import pytest

from chaos import checker
from chaos.history import Asked
from chaos.run import Plan, run
from chaos.state import Delivered, State, stored_hash
from chaos.workload import CREATIONS
from harness.mailbox import Mailbox
from harness.pair import ROUNDS
from harness.server import Stage

pytestmark = pytest.mark.long

SECRET = "A" * 43
USER, SESSION = "u-1", "s-1"
ADDRESS = "ann@example.org"
NOON, ONE, TWO, THREE, FOUR = (f"2026-01-01T{hour}:00:00+00:00" for hour in range(12, 17))


def event(number: int, at: str, action: str, request: str | None, target: str = USER, **changes: object) -> dict[str, object]:
    kind = "session" if action.startswith("session") else "user"
    return {
        **{"id": f"e-{number}", "occurred_at": at, "action": action, "outcome": "success", "request_id": request},
        **{"target_kind": kind, "target_id": target, "changes": changes},
    }


def change(before: object, after: object) -> dict[str, object]:
    return {"before": before, "after": after}


@pytest.fixture
def history() -> list[Asked]:
    """Somebody registers (asked twice under one key), verifies, signs in, refreshes and changes their name."""
    first = {"refresh_token": f"ush_refresh_{'B' * 43}"}
    second = {"refresh_token": f"ush_refresh_{'C' * 43}"}
    return [
        Asked("chaos-1", "register", ADDRESS, {"password": "one"}, key="k"),
        Asked("chaos-2", "register", ADDRESS, {"password": "one"}, key="k", status=202),
        Asked("chaos-3", "verify", ADDRESS, status=200),
        Asked("chaos-4", "login", ADDRESS, status=200, answer=first),
        Asked("chaos-5", "refresh", ADDRESS, dict(first), status=200, answer=second),
        Asked("chaos-6", "patch", ADDRESS, status=200),
        Asked("chaos-7", "patch", ADDRESS),
        Asked("chaos-8", "reset", ADDRESS, {"password": "two"}, status=422),
    ]


@pytest.fixture
def state() -> State:
    """What is left when all of that was done right, and the name was changed by the request that got no answer too."""
    created = {"username": change(None, "ann"), "status": change(None, "pending"), "roles": change(None, ["user"])}
    hashes = {letter: stored_hash(f"ush_refresh_{letter * 43}") for letter in "BC"}
    return State(
        users=[{"id": USER, "username": "ann", "status": "active", "display_name": "Bee", "auth_epoch": 1}],
        emails=[{"id": "m-1", "user_id": USER, "address_normal": ADDRESS, "is_primary": True, "verified_at": ONE}],
        roles=[{"user_id": USER, "names": ["user"]}],
        credentials=[{"user_id": USER, "changed_at": NOON}],
        tokens=[
            {
                **{"hash": stored_hash(f"ush_verify_{SECRET}"), "purpose": "verify_email", "user_id": USER},
                **{"created_at": NOON, "used_at": ONE},
            }
        ],
        sessions=[{"id": SESSION, "user_id": USER, "auth_epoch": 1, "ended_at": None}],
        refresh_tokens=[
            {"hash": hashes["B"], "session_id": SESSION, "created_at": TWO, "used_at": THREE},
            {"hash": hashes["C"], "session_id": SESSION, "created_at": THREE, "used_at": None},
        ],
        events=[
            event(1, NOON, "user.created", "chaos-1", **created),
            event(2, NOON, "user.registered", "chaos-1"),
            event(3, ONE, "email.verified", "chaos-3"),
            event(4, ONE, "user.activated", "chaos-3", status=change("pending", "active")),
            event(5, TWO, "sign_in", "chaos-4"),
            event(6, TWO, "session.begun", "chaos-4", SESSION),
            event(7, THREE, "user.updated", "chaos-6", display_name=change(None, "Ann")),
            event(8, FOUR, "user.updated", "chaos-7", display_name=change("Ann", "Bee")),
        ],
        mails=[{"id": "mail-1", "user_id": USER, "template": "verify_email", "recipient": ADDRESS, "status": "sent"}],
        delivered=[Delivered("mail-1", ADDRESS, [f"ush_verify_{SECRET}"])],
        opening={ADDRESS: ["one"]},
    )


def test_a_true_history_has_no_violation(history: list[Asked], state: State) -> None:
    assert checker.violations(history, state) == []


def test_what_got_no_answer_may_also_not_have_happened(history: list[Asked], state: State) -> None:
    del state.events[-1]
    state.users[0]["display_name"] = "Ann"
    assert checker.violations(history, state) == []


def drop_events(*actions: str) -> Callable[[list[Asked], State], None]:
    def doctor(_: list[Asked], state: State) -> None:
        state.events = [row for row in state.events if row["action"] not in actions]

    return doctor


def set_in(rows: str, number: int, **values: object) -> Callable[[list[Asked], State], None]:
    return lambda _, state: getattr(state, rows)[number].update(values)


def drop(rows: str, number: int = 0) -> Callable[[list[Asked], State], None]:
    return lambda _, state: getattr(state, rows).pop(number)


def again(number: int, **values: object) -> Callable[[list[Asked], State], None]:
    return lambda _, state: state.events.append({**copy.deepcopy(state.events[number]), "id": "e-99", **values})


DOCTORED: dict[str, tuple[str, Callable[[list[Asked], State], None]]] = {
    "an acknowledged change is lost": ("lost_and_half_effects", drop_events("user.updated")),
    "an acknowledged creation is lost": ("lost_and_half_effects", drop_events("user.created", "user.registered")),
    "half a change": ("lost_and_half_effects", drop_events("user.registered")),
    "a key took effect twice": ("lost_and_half_effects", again(0, request_id="chaos-2")),
    "a refused request did something": ("lost_and_half_effects", again(7, action="password.set", request_id="chaos-8")),
    "an effect without a request": ("unasked_effects", again(7, request_id="chaos-77")),
    "two answers under one key": (
        "answers_of_one_key",
        lambda history, _: history.insert(0, Asked("chaos-0", "register", ADDRESS, key="k", status=202, answer={"id": "x"})),
    ),
    "the new refresh token is lost": ("lost_refreshes", drop("refresh_tokens", 1)),
    "the old refresh token is unused": ("lost_refreshes", set_in("refresh_tokens", 0, used_at=None)),
    "a session is gone": ("lost_refreshes", lambda _, state: state.dead_ends.append("ush_refresh_C")),
    "a trail without its change": ("broken_trails", set_in("users", 0, display_name="Ann")),
    "a change without its trail": ("broken_trails", set_in("users", 0, status="suspended")),
    "a gap in the trail": ("broken_trails", drop("events", 6)),
    "a user without a trail": ("rows_without_trail", drop_events("user.created")),
    "a trail without a user": ("rows_without_trail", again(0, target_id="u-2")),
    "a session without a trail": ("rows_without_trail", drop_events("session.begun")),
    "somebody whom nobody asked for": ("rows_without_trail", set_in("emails", 0, address_normal="eve@example.org")),
    "a user without an address": ("half_users", drop("emails")),
    "a user without a role": ("half_users", drop("roles")),
    "active and not verified": ("half_users", set_in("emails", 0, verified_at=None)),
    "verified by nothing": ("half_users", set_in("emails", 0, verified_at=FOUR)),
    "a password without its trail": ("half_passwords", set_in("credentials", 0, changed_at=FOUR)),
    "no password": ("half_passwords", drop("credentials")),
    "a used token without effect": ("half_tokens", drop_events("email.verified", "user.activated")),
    "an effect without a used token": ("half_tokens", set_in("tokens", 0, used_at=None)),
    "a refresh token without a successor": ("half_sessions", set_in("refresh_tokens", 1, created_at=FOUR)),
    "two fresh refresh tokens": ("half_sessions", set_in("refresh_tokens", 0, used_at=None)),
    "an ended session without a trail": ("half_sessions", set_in("sessions", 0, ended_at=FOUR)),
    "a mail to nobody": (
        "mails_without_change",
        lambda _, state: state.delivered.append(Delivered("mail-1", "eve@example.org")),
    ),
    "a mail that the queue does not know": ("mails_without_change", drop("mails")),
    "a link that is not there": ("mails_without_change", drop("tokens")),
    "a mail for nothing": ("mails_without_change", drop_events("user.registered")),
    "a promised mail is lost": ("lost_mails", drop("mails")),
    "a mail called sent": ("lost_mails", drop("delivered")),
    "a mail that waits": ("lost_mails", set_in("mails", 0, status="queued")),
    "a job is left": (
        "stuck_jobs",
        lambda _, state: state.jobs.append({"kind": "compose_mail", "attempts": 12, "last_error": "planted"}),
    ),
    "the old password opens": ("wrong_passwords", lambda _, state: state.opening.update({ADDRESS: ["zero"]})),
    "no password opens": ("wrong_passwords", lambda _, state: state.opening.update({ADDRESS: []})),
    "two passwords open": ("wrong_passwords", lambda _, state: state.opening.update({ADDRESS: ["one", "two"]})),
}


@pytest.mark.parametrize("what", DOCTORED)
def test_a_doctored_history_is_found_out(history: list[Asked], state: State, what: str) -> None:
    check, doctor = DOCTORED[what]
    doctor(history, state)
    assert list(getattr(checker, check)(history, state)), what
    assert any(found.startswith(check) for found in checker.violations(history, state))


def test_kills_are_mixed_evenly() -> None:
    order = Plan(50, 10).order()
    assert (order.count("usher"), order.count("postgres")) == (50, 10)
    assert all("postgres" in order[at : at + 12] for at in range(0, 49))
    assert Plan(3, 0).order() == ["usher"] * 3


def test_r280_r281_nothing_acknowledged_is_lost_by_kills(stage: Stage, mailbox: Mailbox) -> None:
    """Fifty and ten; fewer where races are run less often, too."""
    plan = Plan(kills=max(12, 5 * ROUNDS // 2), postgres_kills=max(3, ROUNDS // 2))
    report = run(stage, mailbox, plan)
    print(report)
    assert report.violations == [], str(report)
    assert [len(report.ready_after[who]) for who in ("usher", "postgres")] == [plan.kills, plan.postgres_kills]
    assert report.acknowledged > 15 * plan.kills and report.unanswered > 0
    assert set(report.kinds) == set(checker.EFFECTS), "everything was asked and acknowledged"


def test_a_write_that_is_acknowledged_before_its_commit_is_found_out(faulty_stage: Stage, mailbox: Mailbox) -> None:
    plan = Plan(kills=6, postgres_kills=0, weights=CREATIONS)
    report = run(faulty_stage, mailbox, plan, USHER_PLANTED_FAULT="lost_write")
    assert any(found.startswith("lost_and_half_effects") for found in report.violations), str(report)


def test_a_mail_that_is_sent_before_the_commit_is_found_out(faulty_stage: Stage, mailbox: Mailbox) -> None:
    plan = Plan(kills=3, postgres_kills=0, weights=CREATIONS)
    report = run(faulty_stage, mailbox, plan, USHER_PLANTED_FAULT="mail_before_commit")
    assert any(found.startswith("mails_without_change") for found in report.violations), str(report)
