"""`usher service-account`: an operator gives a program its key, and takes it away."""

from collections.abc import Iterator

import pytest

from harness.client import Bearer, problem
from harness.people import Site
from harness.server import Usher


@pytest.fixture
def account(server: Usher) -> Iterator[str]:
    """A service account that reads users, by its name."""
    made = server.json("service-account", "create", "night-watch", "--permission", "users:read", "--description", "Looks.")
    assert (made["name"], made["permissions"], made["status"]) == ("night-watch", ["users:read"], "active")
    yield made["name"]
    server.cli("service-account", "delete", made["name"], code=None)


def new_key(server: Usher, account: str, *more: str) -> dict[str, str]:
    return server.json("service-account", "create-key", account, "--name", "On the host", *more)


def test_a_key_is_printed_once_and_works_until_it_is_revoked(server: Usher, site: Site, account: str) -> None:
    printed = server.cli("service-account", "create-key", account, "--name", "On the host", "--days", "30").stdout
    key = next(line.split()[1] for line in printed.splitlines() if line.startswith("key "))
    assert "not shown again" in printed
    Bearer(site.base_url, key).get("/v1/users", expect=200)
    listed = server.cli("service-account", "list-keys", account).stdout
    assert key not in listed and key[:14] in listed
    (kept,) = server.json("service-account", "list-keys", account)
    server.cli("service-account", "revoke-key", account, kept["id"])
    problem(Bearer(site.base_url, key).get("/v1/users"), 401, "unauthorized")
    assert "has no good key" in server.cli("service-account", "revoke-key", account, kept["id"], code=1).stderr


def test_what_an_account_loses_its_keys_lose_and_a_suspended_one_waits(server: Usher, site: Site, account: str) -> None:
    program = Bearer(site.base_url, new_key(server, account)["key"])
    server.cli("service-account", "suspend", account, "--reason", "Strange requests")
    problem(program.get("/v1/users"), 401, "unauthorized")
    server.cli("service-account", "reactivate", account)
    program.get("/v1/users", expect=200)
    server.cli("service-account", "set-permissions", account, "--permission", "roles:read")
    problem(program.get("/v1/users"), 403, "forbidden")
    assert server.cli("service-account", "delete", account).stdout == f"{account} and its keys are gone.\n"
    problem(program.get("/v1/whoami"), 401, "unauthorized")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["show", "nobody"], 1, "there is no service account nobody"),
        (["create", "Upper"], 2, "a lower-case letter"),
        (["create", "odd", "--permission", "no:such"], 2, "there is no permission no:such; there are users:read"),
        (["create", "night-watch"], 1, "There is a service account of this name."),
        (["create-key", "night-watch", "--name", " "], 2, "--name must have visible characters"),
        (["create-key", "night-watch", "--name", "x", "--days", "0"], 2, "--days"),
        (["create-key", "night-watch", "--name", "x", "--permission", "users:write"], 1, "The service account lacks"),
        (["revoke-key", "night-watch", "x"], 2, "the key is named by its id"),
    ],
)
def test_mistakes_are_explained(server: Usher, account: str, words: list[str], code: int, says: str) -> None:
    assert says in server.cli("service-account", *words, code=code).stderr
