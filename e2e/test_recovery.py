"""Forgotten passwords."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from harness.canary import new_address, new_password
from harness.client import Client, outward, problem, refused
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.waiting import at_once


def reset(site: Site, token: object, password: object, **options: Any) -> httpx.Response:
    return site.anonymous.post("/v1/password/reset", json={"token": token, "password": password}, **options)


def test_somebody_who_forgot_sets_a_new_password(site: Site, person: Callable[..., Person]) -> None:
    someone, password = person(), new_password()
    mail = site.forgot(someone.email)
    assert mail.link.startswith(f"{site.public_url}/reset-password?token=")
    answer = reset(site, mail.token, password, expect=200)
    assert answer.json() == {"status": "password_set"}, "R-045: nobody is signed in by it"
    problem(site.login(someone.email, someone.password), 401, "invalid_credentials")
    site.enter(someone.email, password)


def test_r026_asking_tells_nothing(site: Site, mailbox: Mailbox, person: Callable[..., Person]) -> None:
    known, suspended, unknown = person(), person(), new_address()
    site.admin.api.post(f"/v1/users/{suspended.id}/suspend", expect=200)
    answers = [
        site.anonymous.post("/v1/password/forgot", json={"email": email})
        for email in (unknown, suspended.email, known.email)
    ]
    assert answers[0].status_code == 202
    assert answers[0].json() == {"status": "reset_sent"}
    assert outward(answers[0]) == outward(answers[1]) == outward(answers[2])
    mailbox.wait_for(known.email, after=1)
    assert mailbox.to(unknown) == []


def test_r025_asking_changes_nothing(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    before = site.read(someone.id)
    site.forgot(someone.email)
    someone.api.get("/v1/me", expect=200)
    someone.sign_in()
    after = site.read(someone.id)
    assert after["version"] == before["version"]
    assert after["locked_until"] is None


def test_r045_reset_ends_all_sessions(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    sessions = [someone.api, someone.sign_in()]
    refresh_tokens = [session.refresh_token for session in sessions]
    reset(site, site.forgot(someone.email).token, new_password(), expect=200)
    for session in sessions:
        problem(session.get("/v1/me"), 401, "unauthorized")
    for token in refresh_tokens:
        problem(site.anonymous.post("/v1/refresh", json={"refresh_token": token}), 401, "invalid_refresh_token")


def test_r045_the_owner_is_told_of_a_reset(site: Site, mailbox: Mailbox, person: Callable[..., Person]) -> None:
    someone = person()
    token = site.forgot(someone.email).token
    mails_before = len(mailbox.to(someone.email))
    reset(site, token, new_password(), expect=200)
    assert mailbox.wait_for(someone.email, after=mails_before).links == []


def test_r040_a_reset_link_works_once(site: Site, person: Callable[..., Person]) -> None:
    someone, first = person(), new_password()
    token = site.forgot(someone.email).token
    reset(site, token, first, expect=200)
    problem(reset(site, token, new_password()), 422, "invalid_token")
    site.enter(someone.email, first)


def test_r040_of_parallel_resets_one_counts(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    token = site.forgot(someone.email).token
    passwords = [new_password() for _ in range(5)]
    statuses = at_once([lambda word=word: reset(site, token, word).status_code for word in passwords])
    assert sorted(statuses) == [200, 422, 422, 422, 422]
    site.enter(someone.email, passwords[statuses.index(200)])


def test_r042_a_newer_link_kills_the_older(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    older = site.forgot(someone.email).token
    newer = site.forgot(someone.email).token
    problem(reset(site, older, new_password()), 422, "invalid_token")
    reset(site, newer, new_password(), expect=200)


def test_r042_a_deleted_persons_link_is_dead_also_after_the_restoration(
    site: Site, person: Callable[..., Person]
) -> None:
    someone = person()
    token = site.forgot(someone.email).token
    path = f"/v1/users/{someone.id}"
    site.admin.api.delete(path, expect=204)
    problem(reset(site, token, new_password()), 422, "invalid_token")
    site.admin.api.post(f"{path}/restore", expect=200)
    problem(reset(site, token, new_password()), 422, "invalid_token")


def test_r042_a_suspended_persons_link_does_not_bring_them_back(site: Site, person: Callable[..., Person]) -> None:
    someone, password = person(), new_password()
    token = site.forgot(someone.email).token
    site.admin.api.post(f"/v1/users/{someone.id}/suspend", expect=200)
    reset(site, token, password)
    assert site.read(someone.id)["status"] == "suspended"
    problem(site.login(someone.email, password), 401, "invalid_credentials")


def test_the_purposes_of_links_are_not_mixed_up(site: Site, mailbox: Mailbox, person: Callable[..., Person]) -> None:
    someone, newcomer = person(), site.register()
    verification = mailbox.wait_for(newcomer.email).token
    recovery = site.forgot(someone.email).token
    problem(reset(site, verification, new_password()), 422, "invalid_token")
    body = {"token": recovery, "password": newcomer.password}
    problem(site.anonymous.post("/v1/verify-email", json=body), 422, "invalid_token")
    site.verify(verification, newcomer.password)
    reset(site, recovery, new_password(), expect=200)


def test_a_reset_verifies_the_address_of_who_never_did(site: Site, mailbox: Mailbox) -> None:
    newcomer, password = site.register(), new_password()
    mailbox.wait_for(newcomer.email)
    reset(site, site.forgot(newcomer.email).token, password, expect=200)
    me = site.enter(newcomer.email, password).api.get("/v1/me", expect=200).json()
    assert me["status"] == "active" and me["email_verified"] is True
    problem(site.login(newcomer.email, newcomer.password), 401, "invalid_credentials")


def test_r001_a_refused_password_does_not_use_the_link_up(site: Site, person: Callable[..., Person]) -> None:
    someone = person(display_name="Bartholomew Featherstone")
    token = site.forgot(someone.email).token
    refused(reset(site, token, "fourteen chars"), "/password", "password_too_short")
    refused(reset(site, token, "passwordpassword"), "/password", "password_common")
    refused(reset(site, token, someone.email), "/password", "password_context")
    refused(reset(site, token, "bartholomew featherstone"), "/password", "password_context")
    reset(site, token, new_password(), expect=200)


@pytest.mark.parametrize("email", [["a@example.org", "b@example.org"], {"0": "a@example.org"}, 5, None, True])
def test_r045_the_address_is_one_text(anonymous: Client, email: object) -> None:
    refused(anonymous.post("/v1/password/forgot", json={"email": email}), "/email", "type")


@pytest.mark.parametrize("token", [["x"], {"x": 1}, 5, None])
def test_a_token_is_text(site: Site, token: object) -> None:
    refused(reset(site, token, new_password()), "/token", "type")


@pytest.mark.parametrize("token", ["", "x", "' or 1=1 --", "é", "a" * 5000])
def test_an_unknown_token_is_refused(site: Site, token: str) -> None:
    answer = reset(site, token, new_password())
    assert answer.status_code == 422
    assert answer.json()["code"] in ("invalid_token", "invalid_body")


def test_r044_headers_do_not_lead_the_link_elsewhere(
    entrance: str, site: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    someone = person()
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Host": "evil.example",
        "Forwarded": "host=evil.example;proto=https",
    }
    Client(entrance).post("/v1/password/forgot", json={"email": someone.email}, headers=headers, expect=202)
    mail = mailbox.wait_for(someone.email, after=1)
    assert mail.link.startswith(f"{site.public_url}/reset-password?token=")
    assert "evil" not in mail.raw.decode()
