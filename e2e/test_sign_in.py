"""Signing in, and what nobody learns from it."""

import statistics
import time
from collections.abc import Callable

from harness.canary import new_address, new_password, unique
from harness.client import Client, outward, problem
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.waiting import at_once

FAILURES_MAX = 10


def fail(site: Site, identifier: str, times: int) -> None:
    for _ in range(times):
        problem(site.login(identifier, new_password()), 401, "invalid_credentials")


def test_signing_in_gives_tokens(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    answer = site.login(someone.email, someone.password, expect=200)
    tokens = answer.json()
    assert set(tokens) == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "refresh_expires_in",
        "device_token",
    }
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 300
    assert 300 < tokens["refresh_expires_in"] <= 30 * 24 * 3600
    assert len(tokens["refresh_token"]) >= 22, "R-147: 128 bits"
    assert answer.headers["cache-control"] == "no-store"


def test_address_and_username_identify_in_any_case(site: Site, person: Callable[..., Person]) -> None:
    someone = person(username=unique("Ann"))
    for identifier in (someone.email, someone.email.upper(), someone.username, someone.username.swapcase()):
        site.login(identifier, someone.password, expect=200)


def test_the_last_sign_in_is_noted(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    before = site.read(someone.id)["last_sign_in_at"]
    someone.sign_in()
    assert site.read(someone.id)["last_sign_in_at"] > before


def test_r026_every_failed_sign_in_looks_the_same(site: Site, mailbox: Mailbox, person: Callable[..., Person]) -> None:
    admin = site.admin.api
    wrong, suspended, deleted = (person() for _ in range(3))
    admin.post(f"/v1/users/{suspended.id}/suspend", expect=200)
    admin.delete(f"/v1/users/{deleted.id}", expect=204)
    unverified = site.register()
    mailbox.wait_for(unverified.email)
    passwordless = site.create()

    looks = {
        "a wrong password": site.login(wrong.email, new_password()),
        "an unknown address": site.login(new_address(), new_password()),
        "an unknown username": site.login(unique("nobody"), new_password()),
        "unverified": site.login(unverified.email, unverified.password),
        "suspended": site.login(suspended.email, suspended.password),
        "deleted": site.login(deleted.email, deleted.password),
        "without a password": site.login(passwordless["email"], new_password()),
    }
    expected = outward(looks["a wrong password"])
    problem(looks["a wrong password"], 401, "invalid_credentials")
    for kind, answer in looks.items():
        assert outward(answer) == expected, f"{kind} can be told apart"


def test_r026_unknown_people_take_as_long_as_known_ones(site: Site, person: Callable[..., Person]) -> None:
    someone = person()

    def seconds(identifier: str) -> float:
        begun = time.perf_counter()
        site.login(identifier, new_password())
        return time.perf_counter() - begun

    known = statistics.median(seconds(someone.email) for _ in range(5))
    unknown = statistics.median(seconds(new_address()) for _ in range(5))
    assert unknown > known / 2, "an unknown address is answered faster: no password was hashed"
    assert known > unknown / 3


def test_ten_wrong_passwords_lock_and_unlocking_opens(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    fail(site, someone.email, FAILURES_MAX)
    refused = site.login(someone.email, someone.password)
    problem(refused, 429, "too_many_requests")
    assert 0 < int(refused.headers["retry-after"]) <= 15 * 60
    assert site.read(someone.id)["locked_until"] is not None
    unlocked = site.admin.api.post(f"/v1/users/{someone.id}/unlock", expect=200).json()
    assert unlocked["locked_until"] is None
    someone.sign_in()


def test_r021_success_clears_the_failures(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    for _ in range(2):
        fail(site, someone.email, FAILURES_MAX - 1)
        someone.sign_in()
    assert site.read(someone.id)["locked_until"] is None


def test_r023_failures_count_for_the_person_not_for_the_spelling(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    spellings = (
        someone.email,
        someone.email.upper(),
        someone.username,
        someone.username.upper(),
        someone.email.title(),
    )
    for spelling in spellings:
        fail(site, spelling, FAILURES_MAX // len(spellings))
    problem(site.login(someone.email, someone.password), 429, "too_many_requests")
    assert site.read(someone.id)["locked_until"] is not None


def test_r022_parallel_guesses_cost_parallel_attempts(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    guess = lambda: site.login(someone.email, new_password()).status_code  # noqa: E731
    answers = at_once([guess] * 24)
    assert set(answers) == {401, 429}
    assert answers.count(401) <= FAILURES_MAX
    problem(site.login(someone.email, someone.password), 429, "too_many_requests")
    assert site.read(someone.id)["locked_until"] is not None


def test_r022_twenty_right_passwords_at_once_all_get_in(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    attempt = lambda: site.login(someone.email, someone.password).status_code  # noqa: E731
    assert at_once([attempt] * 20) == [200] * 20


def test_r025_a_lock_ends_no_session(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    fail(site, someone.email, FAILURES_MAX)
    someone.api.get("/v1/me", expect=200)
    site.anonymous.post("/v1/refresh", json={"refresh_token": someone.api.refresh_token}, expect=200)


def test_r045_the_identifier_is_one_text(anonymous: Client) -> None:
    for identifier in (["a@example.org", "b@example.org"], {"$ne": ""}, 5, None, True):
        answer = anonymous.post("/v1/login", json={"identifier": identifier, "password": new_password()})
        problem(answer, 422, "invalid_body")


def test_failures_ask_for_a_bearer_token(anonymous: Client) -> None:
    for answer in (anonymous.get("/v1/me"), anonymous.get("/v1/users")):
        problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
