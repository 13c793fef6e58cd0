"""Programs that use a server, and the API keys by which it knows them."""

from dataclasses import dataclass
from typing import Any

from .canary import unique
from .client import Bearer, Client, problem

OWN_KEYS = "/v1/me/api-keys"
ACCOUNTS = "/v1/service-accounts"
ALL = {"limit": "200"}


@dataclass(frozen=True)
class Program:
    """Something that holds an API key: what was told of the key when it was made, and the client that shows it."""

    told: dict[str, Any]
    api: Bearer

    @property
    def id(self) -> str:
        return self.told["id"]

    @property
    def secret(self) -> str:
        return self.told["key"]

    @property
    def known(self) -> dict[str, Any]:
        """What remains known of the key."""
        return {name: value for name, value in self.told.items() if name != "key"}

    def whoami(self) -> dict[str, Any]:
        return self.api.get("/v1/whoami", expect=200).json()

    def is_refused(self) -> None:
        """Asserts that the key opens nothing (any more)."""
        problem(self.api.get("/v1/whoami"), 401, "unauthorized")


def keys_of(account: dict[str, Any]) -> str:
    """Where the keys of a service account are."""
    return f"{ACCOUNTS}/{account['id']}/keys"


def keys_of_user(user_id: str) -> str:
    """Where administrators find the keys of a user."""
    return f"/v1/users/{user_id}/api-keys"


def program(by: Client, *permissions: str, keys: str = OWN_KEYS, **members: Any) -> Program:
    """A program with a new key among these; where no permission is named, the member is left out."""
    named = {"permissions": list(permissions)} if permissions else {}
    told = by.post(keys, json={"name": unique("key"), **named, **members}, expect=201).json()
    return Program(told, Bearer(by.base_url, told["key"]))


def service_account(by: Client, *permissions: str, **members: Any) -> dict[str, Any]:
    """A new service account with these permissions."""
    body = {"name": unique("robot"), "description": "Made by a test.", "permissions": list(permissions), **members}
    return by.post(ACCOUNTS, json=body, expect=201).json()


def listed(api: Client, path: str = OWN_KEYS) -> list[dict[str, Any]]:
    """The keys that are there now."""
    return api.get(path, params=ALL, expect=200).json()["items"]
