"""What a password may be (R-001 to R-005)."""

from collections.abc import Callable

import httpx
import pytest

from harness.canary import PASSWORD_MARK, new_address, new_password
from harness.client import Client, problem, refused
from harness.mailbox import Mailbox
from harness.people import Newcomer, Person, Site


def register(client: Client, password: object, **members: object) -> httpx.Response:
    return client.post("/v1/register", json={"email": new_address(), "password": password, **members})


@pytest.mark.parametrize(
    "password",
    ["kettle zebra 9", "🌿🍋🐚🎈🔭🧩🪁🛶🏮🎻🦜🪴🧭🍇", "q\u0301x\u0303q\u0304v\u0306x\u0304q\u030cb\u0302"],
    ids=["ascii", "emoji", "combining"],
)
def test_r001_fourteen_code_points_are_too_few(anonymous: Client, password: str) -> None:
    assert len(password) == 14
    refused(register(anonymous, password), "/password", "password_too_short")


@pytest.mark.parametrize(
    "password",
    ["kettle zebra 93", "🌿🍋🐚🎈🔭🧩🪁🛶🏮🎻🦜🪴🧭🍇🥁", "q\u0301x\u0303q\u0304v\u0306x\u0304q\u030cb\u0302v"],
    ids=["ascii", "emoji", "combining"],
)
def test_r001_fifteen_code_points_are_enough(anonymous: Client, password: str) -> None:
    assert len(password) == 15
    assert register(anonymous, password).status_code == 202


def test_r002_a_password_of_1024_bytes_counts_to_its_last_byte(site: Site, mailbox: Mailbox) -> None:
    long = new_password() + "".join(f"{number:04}" for number in range(250))
    long = long[:1023]
    newcomer = Newcomer(password=f"{long}a")
    site.register(newcomer)
    site.verify(mailbox.wait_for(newcomer.email).token, newcomer.password)
    problem(site.login(newcomer.email, f"{long}b"), 401, "invalid_credentials")
    site.enter(newcomer.email, newcomer.password)


def test_r002_1025_bytes_are_refused(anonymous: Client) -> None:
    refused(register(anonymous, new_password() + "ö" * 500), "/password", "password_too_long")


def test_r003_composed_and_decomposed_letters_are_the_same(site: Site, mailbox: Mailbox) -> None:
    newcomer = Newcomer(password=f"caf\u00e9 cr\u00e8me {PASSWORD_MARK}")
    site.register(newcomer)
    site.verify(mailbox.wait_for(newcomer.email).token, newcomer.password)
    site.enter(newcomer.email, f"cafe\u0301 cre\u0300me {PASSWORD_MARK}")


def test_r003_spaces_at_the_ends_count(site: Site, mailbox: Mailbox) -> None:
    newcomer = Newcomer(password=f"  {new_password()} ")
    site.register(newcomer)
    site.verify(mailbox.wait_for(newcomer.email).token, newcomer.password)
    problem(site.login(newcomer.email, newcomer.password.strip()), 401, "invalid_credentials")
    site.enter(newcomer.email, newcomer.password)


def test_r003_case_counts(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    problem(site.login(someone.email, someone.password.upper()), 401, "invalid_credentials")


@pytest.mark.parametrize("password", ["aaaa bbbb cccc dddd", "lower case words only", "271828182845904523"])
def test_r004_there_are_no_rules_of_composition(anonymous: Client, password: str) -> None:
    assert register(anonymous, password).status_code == 202


@pytest.mark.parametrize(
    "password", ["qwertyuiopasdfgh", "PasswordPassword", "!!!!!!!administrator", "aaaaaaaaaaaaaaaaaaaa"]
)
def test_r005_common_passwords_are_refused_for_that(anonymous: Client, password: str) -> None:
    refused(register(anonymous, password), "/password", "password_common")


def test_r005_the_own_address_is_no_password(anonymous: Client) -> None:
    email = new_address()
    answer = anonymous.post("/v1/register", json={"email": email, "password": email.upper()})
    refused(answer, "/password", "password_context")


def test_r005_the_own_name_is_no_password(anonymous: Client) -> None:
    name = "Bartholomew Featherstone"
    refused(register(anonymous, name, display_name=name), "/password", "password_context")


def test_r005_the_name_of_the_service_is_no_password(anonymous: Client) -> None:
    refused(register(anonymous, "usherusherusher2026!"), "/password", "password_context")


def test_r262_a_refused_password_is_not_repeated(anonymous: Client) -> None:
    short = f"{PASSWORD_MARK}9"
    assert len(short) < 15
    answer = register(anonymous, short)
    refused(answer, "/password", "password_too_short")
    assert PASSWORD_MARK not in answer.text


@pytest.mark.parametrize("password", [["kettle zebra lamp 93"], {"a": 1}, 123456789012345, True, None, 1.5])
def test_a_password_is_text(anonymous: Client, password: object) -> None:
    refused(register(anonymous, password), "/password", "type")


def test_a_password_without_end_does_not_sign_in(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    answer = site.login(someone.email, someone.password + "x" * 20_000)
    assert answer.status_code in (401, 422)
