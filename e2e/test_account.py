"""What people do about their own account: password, addresses, sessions, leaving."""

from collections.abc import Callable

from harness.canary import new_address, new_password
from harness.client import Bearer, problem
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.waiting import at_once


def test_r007_a_new_password_ends_the_other_sessions(
    site: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    someone, password = person(), new_password()
    elsewhere, mails = someone.sign_in(), len(mailbox.to(someone.email))
    wrong = {"current_password": new_password(), "password": password}
    problem(someone.api.put("/v1/me/password", json=wrong), 422, "wrong_password")
    body = {"current_password": someone.password, "password": password}
    tokens = someone.api.put("/v1/me/password", json=body, expect=200).json()
    for ended in (elsewhere, someone.api):
        problem(ended.get("/v1/me"), 401, "unauthorized")
    Bearer(site.base_url, tokens["access_token"]).get("/v1/me", expect=200)
    problem(site.login(someone.email, someone.password), 401, "invalid_credentials")
    site.enter(someone.email, password)
    assert mailbox.wait_for(someone.email, after=mails).links == [], "R-029: told, with nothing to click"


def test_r046_an_address_is_added_by_its_mailbox(site: Site, mailbox: Mailbox, person: Callable[..., Person]) -> None:
    someone, other = person(), new_address()
    someone.api.post("/v1/me/emails", json={"email": other}, expect=202)
    link = mailbox.wait_for(other).link
    assert link.startswith(f"{site.public_url}/confirm-email?token=")
    problem(site.login(other, someone.password), 401, "invalid_credentials")
    body = {"token": mailbox.wait_for(other).token}
    confirm = lambda: site.anonymous.post("/v1/me/emails/confirm", json=body).status_code  # noqa: E731
    assert sorted(at_once([confirm] * 5)) == [200, 422, 422, 422, 422]
    entered = site.enter(other, someone.password)
    assert entered.id == someone.id
    added = next(one for one in entered.api.get("/v1/me/emails").json()["items"] if one["address"] == other)
    chosen = entered.api.put(f"/v1/me/emails/{added['id']}/primary", expect=200).json()
    assert chosen["email"] == other


def test_r026_asking_for_an_address_does_not_tell_whose_it_is(
    site: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    owner, someone = person(), person()
    mails = len(mailbox.to(owner.email))
    # The owner's comes last: a wish takes the place of the one before, and of a wish that is gone nobody is told.
    answers = [someone.api.post("/v1/me/emails", json={"email": email}) for email in (new_address(), owner.email)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert mailbox.wait_for(owner.email, after=mails).links == []
    owner.sign_in()


def test_r104_people_end_their_sessions(person: Callable[..., Person]) -> None:
    someone = person()
    lost = someone.sign_in()
    sessions = someone.api.get("/v1/me/sessions", expect=200).json()["items"]
    assert [one["current"] for one in sessions] == [False, True]
    someone.api.delete(f"/v1/me/sessions/{sessions[0]['id']}", expect=204)
    problem(lost.get("/v1/me"), 401, "unauthorized")
    third = someone.sign_in()
    someone.api.post("/v1/me/sessions/revoke-others", expect=204)
    problem(third.get("/v1/me"), 401, "unauthorized")
    someone.api.get("/v1/me", expect=200)


def test_who_deletes_themselves_comes_back_by_the_link(
    site: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    someone = person()
    mails = len(mailbox.to(someone.email))
    someone.api.delete("/v1/me", expect=204)
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    problem(site.login(someone.email, someone.password), 401, "invalid_credentials")
    token = mailbox.wait_for(someone.email, after=mails).token
    site.anonymous.post("/v1/undo-deletion", json={"token": token}, expect=200)
    assert site.enter(someone.email, someone.password).id == someone.id
    problem(site.anonymous.post("/v1/undo-deletion", json={"token": token}), 422, "invalid_token")
