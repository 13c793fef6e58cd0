"""What a password may be (R-001 to R-005)."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.canary import PASSWORD_MARK, new_address, new_password
from harness.client import Client, problem, refused
from harness.mailbox import Mailbox
from harness.people import Newcomer, Person, Site
from harness.server import Usher, clean_environment


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


# POST /v1/password/check


def check(client: Client, password: str, **about: str) -> dict[str, Any]:
    answer = client.post("/v1/password/check", json={"password": password, **about}, expect=200)
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def codes(report: dict[str, Any]) -> list[str]:
    assert report["acceptable"] == (not report["reasons"])
    assert all(reason["detail"] for reason in report["reasons"])
    return [reason["code"] for reason in report["reasons"]]


def test_r005_a_check_tells_all_that_is_wrong(anonymous: Client) -> None:
    assert codes(check(anonymous, "password")) == ["password_too_short", "password_common"]
    assert codes(check(anonymous, "ann baker 123456789", display_name="Ann Baker")) == ["password_context"]
    assert codes(check(anonymous, "x" * 1025)) == ["password_too_long"]
    assert codes(check(anonymous, new_password(), email="not yet an addr")) == []


def test_a_check_estimates_the_strength(anonymous: Client) -> None:
    weak, strong = check(anonymous, "password1"), check(anonymous, new_password())
    assert weak["strength"]["score"] == 0 and weak["suggestions"]
    assert strong["strength"]["score"] == 4 and strong["strength"]["crack_time"] == "centuries"
    assert weak["strength"]["guesses_log10"] < 4 < 12 < strong["strength"]["guesses_log10"]


def test_a_check_of_a_huge_password_is_quick(anonymous: Client) -> None:
    answer = anonymous.post("/v1/password/check", json={"password": "4@8({[<3" * 512}, expect=200)
    assert answer.elapsed.total_seconds() < 5
    refused(anonymous.post("/v1/password/check", json={"password": "x" * 5000}), "/password", "max_length")


# The operator's filter


def run(binary: Path, *arguments: str, given: str = "", code: int = 0, **settings: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [binary, *arguments],
        env=clean_environment() | settings,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended
    return ended


def build(binary: Path, tmp_path: Path, lines: list[str]) -> Path:
    file = tmp_path / "breached.filter"
    told = run(binary, "password-filter", "build", "-", "--output", str(file), "--json", given="\r\n".join(lines))
    assert json.loads(told.stdout)["lines"] == len(lines)
    # The server may run as another user.
    tmp_path.chmod(0o755)
    return file


@pytest.mark.needs_process
def test_r005_a_filter_is_built_and_asked(usher_binary: Path, tmp_path: Path) -> None:
    secret = new_password()
    digest = hashlib.sha1(secret.encode(), usedforsecurity=False).hexdigest().upper()
    for lines in ([secret, "another one", secret], [f"{digest}:17", f"{'0' * 40}:2"]):
        file = build(usher_binary, tmp_path, lines)
        for password, listed in ((secret, True), (new_password(), False)):
            told = run(usher_binary, "password-filter", "check", str(file), "--json", given=f"{password}\n")
            report = json.loads(told.stdout)
            assert (report["listed"], report["entries"]) == (listed, 2)
            assert report["bytes"] == file.stat().st_size
            told = run(usher_binary, "password-filter", "check", str(file), given=password).stdout
            assert ("is listed" if listed else "is not listed") in told
            assert password not in told
    assert [path.name for path in tmp_path.iterdir()] == [file.name], "no temporary file stays"


@pytest.mark.needs_process
def test_a_filter_is_not_built_from_nothing_or_over_its_list(usher_binary: Path, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("")
    told = run(usher_binary, "password-filter", "build", str(words), "--output", str(tmp_path / "f"), code=1).stderr
    assert "holds no password" in told
    run(usher_binary, "password-filter", "build", str(words), "--output", str(words), code=2)
    run(usher_binary, "password-filter", "build", str(tmp_path / "none"), "--output", str(tmp_path / "f"), code=1)
    run(usher_binary, "password-filter", "check", str(words), code=1)


@pytest.mark.needs_process
def test_r005_a_breached_password_is_refused(
    usher_binary: Path, tmp_path: Path, new_server: Callable[..., Usher]
) -> None:
    secret = new_password()
    file = build(usher_binary, tmp_path, [secret])
    usher = new_server(mail=False, USHER_PASSWORD_FILTER=str(file), USHER_PASSWORD_BLOCKED_WORDS="Acme, Blue Pumps")
    client = Client(usher.base_url)
    refused(register(client, secret), "/password", "password_breached")
    assert codes(check(client, secret.upper())) == ["password_breached"]
    refused(register(client, "Blue-Pumps-2026-2027"), "/password", "password_context")
    assert register(client, new_password()).status_code == 202
    usher.stop()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    told = run(usher_binary, "serve", code=2, **usher.settings).stderr
    assert "USHER_PASSWORD_FILTER" in told and "is damaged" in told
