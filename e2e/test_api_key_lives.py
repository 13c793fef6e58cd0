"""How long API keys live, how many live at a time, and what ends them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from harness.canary import new_password, unique
from harness.client import Client, Session, problem, refused
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.programs import OWN_KEYS, keys_of_user, listed, program
from harness.server import Usher
from harness.waiting import until

LIVING_MAX = 50
A_DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


def from_now(time: timedelta) -> str:
    return (datetime.now(UTC) + time).isoformat()


# How long, and how many


def test_a_key_lives_ninety_days_unless_it_says_otherwise(person: Callable[..., Person]) -> None:
    api = person().api
    told = program(api).told
    lifetime = datetime.fromisoformat(told["expires_at"]) - datetime.fromisoformat(told["created_at"])
    assert abs(lifetime - 90 * A_DAY) < A_MINUTE
    for time in (A_MINUTE, A_DAY, 365 * A_DAY - A_MINUTE):
        wanted = from_now(time)
        told = program(api, expires_at=wanted).told
        assert datetime.fromisoformat(told["expires_at"]) == datetime.fromisoformat(wanted)


def test_an_end_may_carry_an_offset(person: Callable[..., Person]) -> None:
    wanted = (datetime.now(UTC) + A_DAY).replace(microsecond=0)
    told = program(person().api, expires_at=f"{wanted + A_DAY / 12:%Y-%m-%dT%H:%M:%S}+02:00").told
    assert datetime.fromisoformat(told["expires_at"]) == wanted


@pytest.mark.parametrize("time", [-3650 * A_DAY, -A_MINUTE, timedelta(0), 365 * A_DAY + A_MINUTE, 36_500 * A_DAY])
def test_a_key_ends_in_the_future_and_within_a_year(user: Session, time: timedelta) -> None:
    refused(user.post(OWN_KEYS, json={"name": "x", "expires_at": from_now(time)}), "/expires_at")


@pytest.mark.parametrize("time", ["tomorrow", "", "2026-13-45T00:00:00Z", "9999-12-31T23:59:59Z", "2100-01-01", 4102444800])
def test_an_end_is_a_time(user: Session, time: object) -> None:
    refused(user.post(OWN_KEYS, json={"name": "x", "expires_at": time}), "/expires_at")


def test_an_operator_bounds_how_long_keys_live(new_server: Callable[..., Usher]) -> None:
    usher = new_server(USHER_API_KEY_LIFETIME_MAX_DAYS="7")
    api = Site(usher.base_url).set_up(usher.setup_token()).api
    refused(api.post(OWN_KEYS, json={"name": "x", "expires_at": from_now(7 * A_DAY + A_MINUTE)}), "/expires_at")
    program(api, expires_at=from_now(7 * A_DAY - A_MINUTE))
    assert datetime.fromisoformat(program(api).told["expires_at"]) <= datetime.now(UTC) + 7 * A_DAY


def test_fifty_keys_live_at_a_time(person: Callable[..., Person]) -> None:
    api = person().api
    made = [program(api) for _ in range(LIVING_MAX)]
    problem(api.post(OWN_KEYS, json={"name": "one more"}), 409, "too_many_api_keys")
    api.delete(f"{OWN_KEYS}/{made[7].id}", expect=204)
    program(api)
    problem(api.post(OWN_KEYS, json={"name": "one more"}), 409, "too_many_api_keys")
    assert len(listed(api)) == LIVING_MAX


def test_an_expired_key_is_refused_and_makes_room(person: Callable[..., Person]) -> None:
    api = person().api
    for _ in range(LIVING_MAX - 1):
        program(api)
    made = program(api, expires_at=from_now(timedelta(seconds=3)))
    made.whoami()
    until("the key is too old", lambda: made.api.get("/v1/whoami").status_code != 200)
    made.is_refused()
    assert made.id not in [one["id"] for one in listed(api)]
    program(api)


# What ends keys


@dataclass(frozen=True)
class Ending:
    """Something that ends all that somebody is signed in with, and the way back, if there is one."""

    end: Callable[[Site, Person], object]
    undo: Callable[[Site, Person], object] | None = None


def choose_password(_site: Site, someone: Person) -> None:
    body = {"current_password": someone.password, "password": new_password()}
    someone.api.put("/v1/me/password", json=body, expect=200)


def reset_password(site: Site, someone: Person) -> None:
    body = {"token": site.forgot(someone.email).token, "password": new_password()}
    site.anonymous.post("/v1/password/reset", json=body, expect=200)


def report_sign_in(site: Site, someone: Person) -> None:
    before = len(site.mailbox.to(someone.email))
    stranger = Client(site.base_url, headers={"User-Agent": unique("program")})
    stranger.post("/v1/login", json={"identifier": someone.email, "password": someone.password}, expect=200)
    token = site.mailbox.wait_for(someone.email, after=before).token
    site.anonymous.post("/v1/report-sign-in", json={"token": token}, expect=200)


def leave(site: Site, someone: Person) -> None:
    before = len(site.mailbox.to(someone.email))
    someone.api.delete("/v1/me", expect=204)
    site.mailbox.wait_for(someone.email, after=before)


def come_back(site: Site, someone: Person) -> None:
    token = site.mailbox.to(someone.email)[-1].token
    site.anonymous.post("/v1/undo-deletion", json={"token": token}, expect=200)


def delete(site: Site, someone: Person) -> None:
    site.admin.api.delete(f"/v1/users/{someone.id}", expect=204)


def by_admin(action: str) -> Callable[[Site, Person], object]:
    return lambda site, someone: site.admin.api.post(f"/v1/users/{someone.id}/{action}", expect=(200, 204))


ENDINGS = {
    "a new password": Ending(choose_password),
    "a reset": Ending(reset_password),
    "a reported sign-in": Ending(report_sign_in),
    "signing out everywhere": Ending(by_admin("sign-out-everywhere")),
    "a suspension": Ending(by_admin("suspend"), by_admin("reactivate")),
    "a deletion": Ending(delete, by_admin("restore")),
    "leaving": Ending(leave, come_back),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_r103_what_ends_all_sessions_ends_all_keys(
    site: Site, mailbox: Mailbox, person: Callable[..., Person], name: str
) -> None:
    someone = person()
    mails = len(mailbox.to(someone.email))
    used, unused = program(someone.api), program(someone.api)
    used.whoami()
    # The mails about the keys come first, so that whoever waits for another one finds it.
    mailbox.wait_for(someone.email, after=mails + 1)
    ENDINGS[name].end(site, someone)
    for one in (used, unused):
        one.is_refused()
    undo = ENDINGS[name].undo
    if undo:
        undo(site, someone)
        assert site.read(someone.id)["status"] == "active"
    for one in (used, unused):
        one.is_refused()
    assert listed(site.admin.api, keys_of_user(someone.id)) == []


def test_a_key_that_has_ended_takes_no_place(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    for _ in range(LIVING_MAX):
        program(someone.api)
    by_admin("sign-out-everywhere")(site, someone)
    api = someone.sign_in()
    made = program(api)
    assert made.whoami()["id"] == someone.id
    assert [one["id"] for one in listed(api)] == [made.id]


def test_what_ends_one_session_ends_no_key(person: Callable[..., Person]) -> None:
    someone = person()
    made, elsewhere = program(someone.api), someone.sign_in()
    elsewhere.post("/v1/me/sessions/revoke-others", expect=204)
    elsewhere.post("/v1/logout", expect=204)
    assert made.whoami()["id"] == someone.id
