"""From an empty server to a person who may sign in: the first administrator, registration, verification."""

import stat
from collections.abc import Callable, Iterator

import pytest

from harness.canary import new_address, new_password, unique
from harness.client import Client, faults, outward, problem, refused
from harness.mailbox import Mailbox
from harness.people import Newcomer, Person, Site
from harness.server import Stage, Usher
from harness.waiting import at_once

# A secret of the right looks that the server never gave out.
FOREIGN_TOKEN = "rZ9gG8v0b4Yw1mK7sT3nQ6xE2uI5oP_aLdFhJc-Vk0M"


@pytest.fixture(scope="module")
def unclaimed(stage: Stage) -> Iterator[Usher]:
    """A server that nobody has set up. Tests must leave it so."""
    usher = stage.usher()
    usher.start()
    yield usher
    usher.remove()


def setup_body(token: str, **members: object) -> dict[str, object]:
    return {"token": token, "email": new_address(), "password": new_password(), **members}


# The first administrator


def test_r014_the_setup_token_lies_in_a_file_that_only_its_owner_reads(unclaimed: Usher) -> None:
    path = unclaimed.data_dir / "setup-token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(unclaimed.setup_token()) >= 22, "R-040: 128 bits"


def test_r042_a_new_setup_token_from_the_command_line_kills_the_older(unclaimed: Usher) -> None:
    older = unclaimed.setup_token()
    printed = unclaimed.cli("setup-token").stdout.strip()
    assert printed == unclaimed.setup_token() != older
    problem(Client(unclaimed.base_url).post("/v1/setup", json=setup_body(older)), 422, "invalid_token")


def test_r014_there_is_no_default_account(unclaimed: Usher) -> None:
    client = Client(unclaimed.base_url)
    for identifier in ("admin", "root", "admin@localhost", "usher"):
        for password in ("admin", "password", "changeme", "usher"):
            answer = client.post("/v1/login", json={"identifier": identifier, "password": password})
            assert answer.status_code in (401, 422)


@pytest.mark.parametrize("token", [FOREIGN_TOKEN, "x", "", "a" * 5000])
def test_setup_refuses_a_token_it_did_not_give(unclaimed: Usher, token: str) -> None:
    answer = Client(unclaimed.base_url).post("/v1/setup", json=setup_body(token))
    assert answer.status_code == 422
    assert answer.json()["code"] in ("invalid_token", "invalid_body")


def test_setup_refuses_a_foreign_token_by_its_code(unclaimed: Usher) -> None:
    problem(Client(unclaimed.base_url).post("/v1/setup", json=setup_body(FOREIGN_TOKEN)), 422, "invalid_token")


def test_r001_setup_refuses_a_weak_password_and_the_token_lives_on(unclaimed: Usher) -> None:
    body = setup_body(unclaimed.setup_token(), password="fourteen chars")
    refused(Client(unclaimed.base_url).post("/v1/setup", json=body), "/password", "password_too_short")
    assert unclaimed.setup_token()


def test_setup_makes_an_active_administrator_once(new_server: Callable[..., Usher], mailbox: Mailbox) -> None:
    usher = new_server()
    client = Client(usher.base_url)
    body = setup_body(usher.setup_token(), username=unique("grace"), display_name="Grace")
    key = {"Idempotency-Key": unique("setup")}

    made = client.post("/v1/setup", json=body, headers=key, expect=201)
    assert "admin" in made.json()["roles"]
    assert made.json()["status"] == "active"
    assert made.json()["email_verified"] is True
    assert made.json()["username"] == body["username"]

    again = client.post("/v1/setup", json=body, headers=key, expect=201)
    assert again.json() == made.json()
    assert again.headers["idempotency-replayed"] == "true"
    problem(client.post("/v1/setup", json=body), 409, "setup_done")
    problem(client.post("/v1/setup", json=setup_body(FOREIGN_TOKEN)), 409, "setup_done")
    assert not (usher.data_dir / "setup-token").exists()
    Site(usher.base_url, mailbox).adopt_admin(str(body["email"]), str(body["password"]))


def test_r014_of_many_setups_at_once_one_wins(new_server: Callable[..., Usher], mailbox: Mailbox) -> None:
    usher = new_server()
    token = usher.setup_token()
    bodies = [setup_body(token) for _ in range(6)]

    def attempt(body: dict[str, object]) -> Callable[[], int]:
        return lambda: Client(usher.base_url).post("/v1/setup", json=body).status_code

    statuses = at_once([attempt(body) for body in bodies])
    assert statuses.count(201) == 1, statuses
    assert set(statuses) <= {201, 409, 422}, statuses
    winner = bodies[statuses.index(201)]
    site = Site(usher.base_url, mailbox)
    admin = site.adopt_admin(str(winner["email"]), str(winner["password"]))
    assert len(admin.api.get("/v1/users", expect=200).json()["items"]) == 1


# Registration


def test_somebody_registers_verifies_and_signs_in(site: Site, mailbox: Mailbox) -> None:
    newcomer = Newcomer()
    body = {"email": newcomer.email, "password": newcomer.password, "display_name": "Ann Example"}
    answer = site.anonymous.post("/v1/register", json=body, expect=202)
    assert answer.json() == {"status": "verification_sent"}

    problem(site.login(newcomer.email, newcomer.password), 401, "invalid_credentials")
    token = mailbox.wait_for(newcomer.email).token
    proof = {"token": token, "password": newcomer.password}
    verified = site.anonymous.post("/v1/verify-email", json=proof, expect=200)
    assert verified.json() == {"status": "verified"}

    me = site.enter(newcomer.email, newcomer.password).api.get("/v1/me", expect=200).json()
    assert me["status"] == "active"
    assert me["email"] == newcomer.email
    assert me["email_verified"] is True
    assert me["display_name"] == "Ann Example"
    assert me["roles"] == ["user"]


def test_registration_keeps_the_profile_it_is_given(person: Callable[..., Person]) -> None:
    profile = {
        "display_name": "Åsa Östlund 🌿",
        "given_name": "Åsa",
        "family_name": "Östlund",
        "locale": "sv-SE",
        "time_zone": "Europe/Stockholm",
    }
    me = person(**profile).api.get("/v1/me", expect=200).json()
    assert {name: me[name] for name in profile} == profile


def test_r044_the_link_leads_to_the_public_url(entrance: str, site: Site, mailbox: Mailbox) -> None:
    newcomer = Newcomer()
    body = {"email": newcomer.email, "password": newcomer.password}
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Forwarded-Proto": "https"}
    Client(entrance).post("/v1/register", json=body, headers=headers, expect=202)
    mail = mailbox.wait_for(newcomer.email)
    assert mail.link.startswith(f"{site.public_url}/verify?token=")
    assert "evil" not in mail.text + mail.html


def test_r040_a_verification_link_works_once(site: Site, mailbox: Mailbox) -> None:
    newcomer = site.register()
    token = mailbox.wait_for(newcomer.email).token
    assert len(token) >= 22, "128 bits"
    site.verify(token, newcomer.password)
    again = {"token": token, "password": newcomer.password}
    problem(site.anonymous.post("/v1/verify-email", json=again), 422, "invalid_token")


def test_r040_of_parallel_verifications_one_counts(site: Site, mailbox: Mailbox) -> None:
    newcomer = site.register()
    body = {"token": mailbox.wait_for(newcomer.email).token, "password": newcomer.password}
    attempt = lambda: site.anonymous.post("/v1/verify-email", json=body).status_code  # noqa: E731
    statuses = at_once([attempt] * 5)
    assert sorted(statuses) == [200, 422, 422, 422, 422]


@pytest.mark.parametrize("token", [FOREIGN_TOKEN, "", "%00", "' or 1=1 --", "a" * 5000])
def test_verification_refuses_a_token_it_did_not_give(anonymous: Client, token: str) -> None:
    answer = anonymous.post("/v1/verify-email", json={"token": token, "password": new_password()})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("invalid_token", "invalid_body")


def test_r042_a_newer_verification_link_kills_the_older(site: Site, mailbox: Mailbox) -> None:
    newcomer = site.register()
    older = mailbox.wait_for(newcomer.email).token
    answer = site.anonymous.post("/v1/verify-email/resend", json={"email": newcomer.email}, expect=202)
    assert answer.json() == {"status": "verification_sent"}
    newer = mailbox.wait_for(newcomer.email, after=1).token
    assert newer != older
    body = {"token": older, "password": newcomer.password}
    problem(site.anonymous.post("/v1/verify-email", json=body), 422, "invalid_token")
    site.verify(newer, newcomer.password)


def test_r026_resending_tells_nothing_and_mails_only_who_waits(
    site: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    verified, unknown = person(), new_address()
    waiting = site.register()
    mailbox.wait_for(waiting.email)
    mails_before = len(mailbox.to(verified.email))

    answers = [
        site.anonymous.post("/v1/verify-email/resend", json={"email": email})
        for email in (unknown, verified.email, waiting.email)
    ]
    assert outward(answers[0]) == outward(answers[1]) == outward(answers[2])
    # The last one asked for comes last, so by now the others would have come.
    mailbox.wait_for(waiting.email, after=1)
    assert mailbox.to(unknown) == []
    assert len(mailbox.to(verified.email)) == mails_before


def test_r026_a_taken_address_is_answered_as_success_and_its_owner_is_mailed(
    site: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    owner = person()
    attacker = Newcomer(email=owner.email.upper())
    mails_before = len(mailbox.to(owner.email))
    taken = site.anonymous.post("/v1/register", json={"email": attacker.email, "password": attacker.password})
    free = site.anonymous.post("/v1/register", json={"email": new_address(), "password": new_password()})
    assert outward(taken) == outward(free)

    told = mailbox.wait_for(owner.email, after=mails_before)
    assert told.links == [], "nothing to click for who did not ask"
    problem(site.login(owner.email, attacker.password), 401, "invalid_credentials")
    owner.api.get("/v1/me", expect=200)
    owner.sign_in()
    found = site.admin.api.get("/v1/users", params={"q": owner.email}, expect=200).json()["items"]
    assert [one["id"] for one in found] == [owner.id]


def test_r047_who_registers_somebody_elses_address_first_gains_nothing(site: Site, mailbox: Mailbox) -> None:
    attacker = site.register()
    mailbox.wait_for(attacker.email)
    owner = site.register(Newcomer(email=attacker.email))
    site.verify(mailbox.wait_for(attacker.email, after=1).token, owner.password)
    problem(site.login(attacker.email, attacker.password), 401, "invalid_credentials")
    site.enter(owner.email, owner.password)


def test_r047_the_owner_of_an_address_does_not_get_the_password_of_who_signed_up_with_it(
    site: Site, mailbox: Mailbox
) -> None:
    attacker, own = site.register(display_name="Mallory"), new_password()
    token = mailbox.wait_for(attacker.email).token
    body = {"token": token, "password": own}
    problem(site.anonymous.post("/v1/verify-email", json=body), 422, "wrong_password")
    site.anonymous.post("/v1/verify-email", json={"token": token, "new_password": own}, expect=200)
    problem(site.login(attacker.email, attacker.password), 401, "invalid_credentials")
    assert site.enter(attacker.email, own).api.get("/v1/me", expect=200).json()["display_name"] is None


def test_r048_registration_can_not_verify_an_address(site: Site) -> None:
    for member in ("email_verified", "verified_at", "status", "roles", "role", "is_admin", "id", "attributes"):
        body = {"email": new_address(), "password": new_password(), member: True}
        refused(site.anonymous.post("/v1/register", json=body), f"/{member}", "unknown_field")


def test_a_username_is_kept_as_written(person: Callable[..., Person]) -> None:
    username = unique("Ann.B_c")
    assert person(username=username).username == username


def test_a_generated_username_is_safe_in_a_url_and_tells_nothing_of_the_address(person: Callable[..., Person]) -> None:
    someone = person()
    assert someone.username.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert someone.username.isascii()
    assert someone.email.split("@")[0].split("-")[1] not in someone.username


def test_r026_a_taken_username_is_replaced_silently(person: Callable[..., Person]) -> None:
    first = person(username=unique("ann"))
    second = person(username=first.username.upper())
    assert second.username.lower() != first.username.lower()


@pytest.mark.parametrize("username", ["ab", "a" * 65, "with space", "../up", "-dash-first", "né", "a/b", "a@b.example"])
def test_a_bad_username_is_refused(anonymous: Client, username: str) -> None:
    body = {"email": new_address(), "password": new_password(), "username": username}
    refused(anonymous.post("/v1/register", json=body), "/username")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@nodots",
        "a b@example.org",
        "Ann <ann@example.org>",
        "ann@example.org\r\nBcc: eve@example.org",
        "ann@example.org,eve@example.org",
        "ann@[127.0.0.1]",
        "a" * 250 + "@example.org",
    ],
)
def test_r243_what_is_no_address_is_refused(anonymous: Client, email: str) -> None:
    refused(anonymous.post("/v1/register", json={"email": email, "password": new_password()}), "/email")


def test_missing_members_are_named_together(anonymous: Client) -> None:
    answer = anonymous.post("/v1/register", json={})
    problem(answer, 422, "invalid_body")
    assert faults(answer) == {"/email": "required", "/password": "required"}


def test_r281_a_repeated_registration_is_answered_as_before_and_mails_once(site: Site, mailbox: Mailbox) -> None:
    newcomer, key = Newcomer(), {"Idempotency-Key": unique("register")}
    body = {"email": newcomer.email, "password": newcomer.password}
    first = site.anonymous.post("/v1/register", json=body, headers=key, expect=202)
    again = site.anonymous.post("/v1/register", json=body, headers=key, expect=202)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = {**body, "password": new_password()}
    problem(site.anonymous.post("/v1/register", json=other, headers=key), 422, "idempotency_key_reused")
    site.verify(mailbox.wait_for(newcomer.email).token, newcomer.password)
    mailbox.wait_for(site.register().email)
    assert len(mailbox.to(newcomer.email)) == 1


def test_registration_can_be_closed_or_left_to_invitations(new_server: Callable[..., Usher]) -> None:
    usher = new_server(USHER_REGISTRATION="closed")
    body = {"email": new_address(), "password": new_password()}
    problem(Client(usher.base_url).post("/v1/register", json=body), 403, "registration_closed")
    assert usher.stop() == 0
    usher.settings["USHER_REGISTRATION"] = "invite"
    usher.start()
    problem(Client(usher.base_url).post("/v1/register", json=body), 403, "registration_closed")
    Client(usher.base_url).post("/v1/setup", json=setup_body(usher.setup_token()), expect=201)
