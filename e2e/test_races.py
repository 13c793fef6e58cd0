"""What only one may win, when many ask at the same moment, of two servers on one database.

Each race is a function that runs one round against a pair of servers and fails when somebody won who must not. The
tests run it `ROUNDS` times against honest servers, and once against a binary with a planted fault, where it must fail.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness import storm, tokens, totp
from harness.canary import new_address, new_password, note, unique
from harness.client import Bearer, Client, problem
from harness.mailbox import Mailbox
from harness.pair import ROUNDS, Pair, rounds
from harness.people import Newcomer, Person, Session
from harness.purposes import PURPOSES
from harness.server import Stage
from harness.storm import Shot

pytestmark = pytest.mark.long

REFRESHES = 1000
USES = 200
WRONG_PASSWORDS = 1000
RIGHT_PASSWORDS = 50
FAILURES_MAX = 10


@pytest.fixture(scope="module")
def pair(stage: Stage, mailbox: Mailbox) -> Iterator[Pair]:
    with Pair(stage, mailbox) as pair:
        yield pair


# Refresh tokens


def race_refreshes(pair: Pair) -> str:
    tokens = Session(pair.first.base_url, pair.site.admin.email, pair.site.admin.password).tokens
    shot = Shot("POST", "/v1/refresh", {"refresh_token": tokens["refresh_token"]})
    answers, repeated = storm.persist(pair.base_urls, [shot] * REFRESHES)
    winners = [answer.json() for answer in answers if answer.status == 200]
    assert len(winners) == 1, f"{len(winners)} of {REFRESHES} uses of one refresh token won"
    kinds = storm.count(answers)
    assert kinds == {"200": 1, "401 invalid_refresh_token": REFRESHES - 1}, kinds
    # The others had a copy of a used token: what came of it is worth nothing any more, on either server.
    for url in pair.base_urls:
        anonymous = pair.site.anonymous
        body = {"refresh_token": winners[0]["refresh_token"]}
        problem(anonymous.post(f"{url}/v1/refresh", json=body), 401, "invalid_refresh_token")
        for access_token in (winners[0]["access_token"], tokens["access_token"]):
            problem(Bearer(url, access_token).get("/v1/me"), 401, "unauthorized")
    return f"{kinds}, {repeated} had to come back"


def test_r147_of_a_thousand_uses_of_a_refresh_token_one_wins_and_the_session_ends(pair: Pair) -> None:
    rounds("refresh token", race_refreshes, pair)


# One-time tokens


@dataclass(frozen=True)
class Kind:
    """A kind of what works once: how one comes to be, the request number `n` that uses it, and how all but one are refused."""

    issue: Callable[[Pair], Any]
    use: Callable[[Any, int], Shot]
    refusals: frozenset[str] = frozenset({"invalid_token"})


def issue_setup(pair: Pair) -> str:
    # No API takes the last administrator away, and a server for every round would take minutes.
    pair.sql("delete from user_roles where role_name = 'admin'")
    return pair.first.cli("setup-token").stdout.strip()


def issue_verification(pair: Pair) -> str:
    newcomer = pair.site.register()
    return pair.site.mailbox.wait_for(newcomer.email).token


def issue_welcome(pair: Pair) -> str:
    address = new_address()
    pair.site.create(email=address)
    return pair.site.mailbox.wait_for(address).token


def issue_reset(pair: Pair) -> str:
    return pair.site.forgot(pair.site.person().email).token


def issue_report(pair: Pair) -> str:
    """The link in the mail about a sign-in on a strange device."""
    person = pair.site.person()
    before = len(pair.site.mailbox.to(person.email))
    stranger = Client(pair.base_urls[0], headers={"User-Agent": unique("program")})
    stranger.post("/v1/login", json={"identifier": person.email, "password": person.password}, expect=200)
    return pair.site.mailbox.wait_for(person.email, after=before).token


def issue_confirmation(pair: Pair) -> str:
    address = new_address()
    pair.site.person().api.post("/v1/me/emails", json={"email": address}, expect=202)
    return pair.site.mailbox.wait_for(address).token


def issue_undo(pair: Pair) -> str:
    person = pair.site.person()
    before = len(pair.site.mailbox.to(person.email))
    person.api.delete("/v1/me", expect=204)
    return pair.site.mailbox.wait_for(person.email, after=before).token


SETTING_UP = Newcomer()


def issue_invitation(pair: Pair) -> str:
    address = new_address()
    pair.site.admin.api.post("/v1/invitations", json={"email": address}, expect=201)
    return pair.site.mailbox.wait_for(address).token


def use_setup(token: str, number: int) -> Shot:
    body = {"token": token, "email": new_address(f"first{number}"), "password": SETTING_UP.password}
    return Shot("POST", "/v1/setup", body)


def use_verification(token: str, _number: int) -> Shot:
    return Shot("POST", "/v1/verify-email", {"token": token, "new_password": new_password()})


def use_password_link(token: str, _number: int) -> Shot:
    return Shot("POST", "/v1/password/reset", {"token": token, "password": new_password()})


def use_report(token: str, _number: int) -> Shot:
    return Shot("POST", "/v1/report-sign-in", {"token": token})


def use_confirmation(token: str, _number: int) -> Shot:
    return Shot("POST", "/v1/me/emails/confirm", {"token": token})


def use_undo(token: str, _number: int) -> Shot:
    return Shot("POST", "/v1/undo-deletion", {"token": token})


def use_invitation(token: str, _number: int) -> Shot:
    return Shot("POST", "/v1/invitations/accept", {"token": token, "password": new_password()})


# A new kind of token gets a line here; tests below compare with what the database and the source know.
KINDS = {
    "setup": Kind(issue_setup, use_setup, frozenset({"invalid_token", "setup_done"})),
    "verify_email": Kind(issue_verification, use_verification),
    "reset_password": Kind(issue_reset, use_password_link),
    "set_password": Kind(issue_welcome, use_password_link),
    "report_sign_in": Kind(issue_report, use_report),
    "confirm_email": Kind(issue_confirmation, use_confirmation),
    "undo_deletion": Kind(issue_undo, use_undo),
}


@dataclass(frozen=True)
class Asked:
    """Sign-ins of one person that wait for the second factor, with codes that are good for it."""

    handles: list[str]
    codes: list[str]

    def shot(self, number: int) -> Shot:
        handle, code = self.handles[number % len(self.handles)], self.codes[number % len(self.codes)]
        return Shot("POST", "/v1/login/second-factor", {"pending_token": handle, "code": code})


def bind(pair: Pair) -> tuple[Person, list[str], str]:
    """Somebody with an authenticator app, their recovery codes, and the code that it shows next."""
    person = pair.site.person()
    secret = person.api.post("/v1/me/second-factors/totp", expect=200).json()["secret"]
    app = totp.App(secret)
    bound = person.api.post("/v1/me/second-factors/totp/confirm", json={"code": app.code()}, expect=200).json()
    return person, bound["recovery_codes"], app.code()


def pending(pair: Pair, person: Person, number: int) -> list[str]:
    """So many sign-ins that wait. The password is verified for the first; the others are put beside it as that one is stored."""
    first = pair.site.login(person.email, person.password, expect=202).json()["pending_token"]
    beginning = PURPOSES["pending_sign_in"]

    def stored(token: str) -> str:
        random = tokens.decode(token.removeprefix(beginning))
        return f"'\\x{hashlib.sha256(b'pending_sign_in' + bytes(1) + random).hexdigest()}'::bytea"

    more = [note(f"{beginning}{tokens.encode(secrets.token_bytes(32))}") for _ in range(number - 1)]
    columns = "user_id, auth_epoch, device_id, created_at, expires_at"
    if more:
        values = ", ".join(f"({stored(token)})" for token in more)
        pair.sql(
            f"insert into pending_sign_ins (token_hash, {columns}) select hash, {columns}"
            f" from pending_sign_ins, (values {values}) as more (hash) where token_hash = {stored(first)}"
        )
    return [first, *more]


def issue_totp_code(pair: Pair) -> Asked:
    person, _, code = bind(pair)
    return Asked(pending(pair, person, USES), [code])


def issue_recovery_code(pair: Pair) -> Asked:
    person, codes, _ = bind(pair)
    return Asked(pending(pair, person, USES), codes[:1])


def issue_handle(pair: Pair) -> Asked:
    person, codes, code = bind(pair)
    return Asked(pending(pair, person, 1), [*codes, code])


# The wrong ones are paid for, and so many wrong ones lock. A handle that has let somebody in is gone.
OF_CODES = frozenset({"wrong_code", "too_many_requests", "sign_in_over"})
# What works once and is in a table of its own.
OTHER_KINDS = {
    "invitation": Kind(issue_invitation, use_invitation),
    "totp_code": Kind(issue_totp_code, Asked.shot, OF_CODES),
    "recovery_code": Kind(issue_recovery_code, Asked.shot, OF_CODES),
    "pending_sign_in": Kind(issue_handle, Asked.shot, OF_CODES),
}
# What is no one-time token, or is raced by another test.
ELSEWHERE = {
    "refresh": "race_refreshes",
    "device": "may be shown as often as one likes",
    "api_key": "may be shown as often as one likes; test_api_key_races.py",
    "browser": "may be shown as often as one likes",
    "form": "may be shown as often as one likes",
    "passkey_ceremony": "takes an authenticator: r080_of_twenty_who_show_one_answer_at_the_same_time_one_is_let_in",
}


def race_uses(kind: Kind, pair: Pair) -> str:
    token = kind.issue(pair)
    shots = [kind.use(token, number) for number in range(USES)]
    answers, repeated = storm.persist(pair.base_urls, shots)
    winners = [number for number, answer in enumerate(answers) if answer.status < 300]
    kinds = storm.count(answers)
    assert len(winners) == 1, f"{len(winners)} of {USES} uses of one token won: {kinds}"
    refused = [answer.code for answer in answers if answer.status >= 400]
    assert len(refused) == USES - 1 and kind.refusals.issuperset(refused), kinds
    again = storm.persist(pair.base_urls, [kind.use(token, USES)] * 2)[0]
    assert kind.refusals.issuperset(answer.code for answer in again), storm.count(again)
    if kind is KINDS["setup"]:
        pair.site.adopt_admin(shots[winners[0]].body["email"], SETTING_UP.password)
        assert pair.sql("select count(*) from user_roles where role_name = 'admin'") == ["1"]
    return f"{kinds}, {repeated} had to come back"


@pytest.mark.parametrize("kind", KINDS)
def test_r040_of_two_hundred_uses_of_a_one_time_token_one_wins(pair: Pair, kind: str) -> None:
    rounds(f"token of the kind {kind}", lambda pair: race_uses(KINDS[kind], pair), pair)


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_r061_r063_r064_of_two_hundred_uses_of_what_works_once_one_wins(pair: Pair, kind: str) -> None:
    rounds(f"token of the kind {kind}", lambda pair: race_uses(OTHER_KINDS[kind], pair), pair)


def test_r040_every_kind_of_one_time_token_is_raced(pair: Pair) -> None:
    rule = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'one_time_tokens_purpose_check'"
    (definition,) = pair.sql(rule)
    known = set(definition.split("'")[1::2])
    assert known == set(KINDS), "a new kind of one-time token gets a line in KINDS"


def test_r040_every_purpose_of_a_secret_is_raced_or_says_why_not() -> None:
    raced = set(KINDS) | set(OTHER_KINDS) - {"totp_code", "recovery_code"}
    assert not raced & set(ELSEWHERE)
    assert set(PURPOSES) == raced | set(ELSEWHERE), "a new purpose gets a line in KINDS, OTHER_KINDS or ELSEWHERE"


# Guesses


def race_guesses(pair: Pair) -> str:
    victim, other = pair.site.person(), pair.site.person()
    wrong = [{"identifier": victim.email, "password": new_password()} for _ in range(WRONG_PASSWORDS)]
    right = [{"identifier": other.email, "password": other.password}] * RIGHT_PASSWORDS
    verified = lambda: pair.metric("usher_password_verifications_total", outcome="wrong")  # noqa: E731
    before = verified()
    # The right ones are spread among the wrong ones, and come back when they are told to.
    step = WRONG_PASSWORDS // RIGHT_PASSWORDS
    shots, is_right = [], []
    for number, body in enumerate(wrong):
        shots.append(Shot("POST", "/v1/login", body))
        is_right.append(False)
        if number % step == 0:
            shots.append(Shot("POST", "/v1/login", right[number // step]))
            is_right.append(True)
    answers = storm.storm(pair.base_urls, shots)
    refused = [answer for answer, mine in zip(answers, is_right, strict=True) if not mine]
    assert {answer.status for answer in refused} <= {401, 429, 503}, storm.count(refused)
    let_in = [answer for answer, mine in zip(answers, is_right, strict=True) if mine]
    kinds = storm.count(let_in)
    assert all(answer.status == 200 or answer.is_overload for answer in let_in), f"right passwords were refused: {kinds}"
    sent_away = [shot for shot, answer, mine in zip(shots, answers, is_right, strict=True) if mine and answer.is_overload]
    late = storm.persist(pair.base_urls, sent_away)[0] if sent_away else []
    assert all(answer.status == 200 for answer in late), f"right passwords were refused: {storm.count(late)}"
    guessed = verified() - before
    assert 1 <= guessed <= FAILURES_MAX, f"{guessed:.0f} guesses reached the hasher; {FAILURES_MAX} may"
    # On a very busy machine most are sent away before their turn; the lock is there when the ten are used up.
    if guessed == FAILURES_MAX:
        for url in pair.base_urls:
            body = {"identifier": victim.email, "password": victim.password}
            answer = pair.site.anonymous.post(f"{url}/v1/login", json=body)
            assert answer.status_code in (401, 429), "the right password opened an account that ought to be locked"
    return f"{storm.count(refused)}, {guessed:.0f} were verified, {len(late)} of the right ones had to come back"


def test_r022_of_a_thousand_guesses_ten_are_verified_and_others_get_in(pair: Pair) -> None:
    rounds("guesses", race_guesses, pair)


# The last administrator


def race_demotions(pair: Pair) -> str:
    first, second = pair.site.admin, pair.site.person("admin")
    storm_of = [
        Shot("PUT", f"/v1/users/{one.id}/roles", {"roles": ["user"]}, bearer=one.api.bearer()) for one in (first, second)
    ]
    answers = storm.storm(pair.base_urls, storm_of)
    kinds = storm.count(answers)
    assert sorted(answer.status for answer in answers) == [200, 409], kinds
    assert pair.sql("select count(*) from user_roles where role_name = 'admin'") == ["1"]
    remaining = first if answers[1].status == 200 else second
    pair.site.adopt_admin(remaining.email, remaining.password)
    return str(kinds)


def test_r203_of_two_last_administrators_one_stays(pair: Pair) -> None:
    rounds("demotions", race_demotions, pair)


# These tests can fail


def assert_finds(fault: str, race: Callable[[Pair], str], stage: Stage, mailbox: Mailbox, says: str) -> None:
    with Pair(stage, mailbox, USHER_PLANTED_FAULT=fault) as faulty, pytest.raises(AssertionError, match=says):
        for _ in range(max(ROUNDS, 5)):
            race(faulty)


def test_a_planted_refresh_race_is_found(faulty_stage: Stage, mailbox: Mailbox) -> None:
    assert_finds("refresh_race", race_refreshes, faulty_stage, mailbox, "uses of one refresh token won")


def test_a_planted_race_of_guesses_is_found(faulty_stage: Stage, mailbox: Mailbox) -> None:
    assert_finds("attempt_race", race_guesses, faulty_stage, mailbox, "guesses reached the hasher")


def test_a_planted_race_of_one_time_tokens_is_found(faulty_stage: Stage, mailbox: Mailbox) -> None:
    race = lambda pair: race_uses(KINDS["report_sign_in"], pair)  # noqa: E731
    assert_finds("token_race", race, faulty_stage, mailbox, "uses of one token won")


def test_a_planted_race_of_demotions_is_found(faulty_stage: Stage, mailbox: Mailbox) -> None:
    assert_finds("demotion_race", race_demotions, faulty_stage, mailbox, "'200': 2")
