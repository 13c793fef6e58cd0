"""Many who sign up at the same moment, on two servers, under addresses that are spelled differently and are the same (R-047)."""

import secrets
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from harness import storm
from harness.canary import DOMAIN, new_password
from harness.mailbox import Mailbox
from harness.pair import Pair, rounds
from harness.server import Stage
from harness.storm import Shot
from harness.waiting import until

pytestmark = pytest.mark.long

PEOPLE, SPELLINGS, REPEATS = 10, 5, 10


@pytest.fixture(scope="module")
def pair(stage: Stage, mailbox: Mailbox) -> Iterator[Pair]:
    with Pair(stage, mailbox) as pair:
        yield pair


def spellings(name: str) -> list[str]:
    """Ways to write one address."""
    local = f"josé.{name}"
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isascii() and letter.isalpha() else letter for letter in local)
    forms = [local, unicodedata.normalize("NFD", local), local.upper(), wide, local.title()]
    assert len(set(forms)) == SPELLINGS
    return [f"{form}@{DOMAIN.upper() if number % 2 else DOMAIN}" for number, form in enumerate(forms)]


def registrations() -> tuple[str, list[Shot]]:
    """Ten people, five spellings of the address of each, ten times: all at once, in an order that mixes them."""
    tag = f"q{secrets.token_hex(4)}q"
    addresses = [address for number in range(PEOPLE) for address in spellings(f"{tag}{number}")]
    password = new_password()
    bodies: list[dict[str, Any]] = [{"email": address, "password": password} for address in addresses] * REPEATS
    return tag, [Shot("POST", "/v1/register", body) for body in bodies]


def made_one_account_of_each(pair: Pair, tag: str) -> None:
    """Sign-ups are done after the answer."""
    left = "select count(*) from jobs where kind = 'sign_up'"
    until("the sign-ups are done", lambda: pair.sql(left) == ["0"], seconds=120)
    # The list looks for normal forms; here are those too whose normal form is another.
    (count,) = pair.sql(f"select count(*) from emails where normalize(address, nfkc) ilike '%{tag}%'")
    assert count == f"{PEOPLE}", f"{count} accounts for {PEOPLE} addresses in {SPELLINGS} spellings each"
    page = pair.site.admin.api.get("/v1/users", params={"q": tag, "limit": "200"}, expect=200).json()
    made = sorted(unicodedata.normalize("NFKC", user["email"]).lower() for user in page["items"])
    expected = sorted(f"josé.{tag}{number}@{DOMAIN}" for number in range(PEOPLE))
    assert made == expected, f"{len(made)} accounts for {PEOPLE} addresses in {SPELLINGS} spellings each"


def race_registrations(pair: Pair) -> str:
    """Who is sent away because of the load comes back, and is told the same."""
    tag, shots = registrations()
    answers, repeated = storm.persist(pair.base_urls, shots)
    kinds = storm.count(answers)
    assert kinds == {"202": len(shots)}, kinds
    made_one_account_of_each(pair, tag)
    return f"{kinds}, {repeated} had to come back"


def test_r047_registrations_at_once_make_one_account_of_an_address(pair: Pair) -> None:
    rounds("registrations", race_registrations, pair)


# This test can fail


def test_a_planted_fault_of_spellings_is_found(faulty_stage: Stage, mailbox: Mailbox) -> None:
    says = f"[0-9]+ accounts for {PEOPLE} addresses"
    with Pair(faulty_stage, mailbox, USHER_PLANTED_FAULT="spelling") as faulty, pytest.raises(AssertionError, match=says):
        race_registrations(faulty)
