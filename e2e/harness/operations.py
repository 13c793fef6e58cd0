"""The operations of a server, as its own document tells them: a new one is in here without a line of the tests."""

from dataclasses import dataclass
from typing import Any

from .client import Client

METHODS = ("get", "post", "put", "patch", "delete")
# A value for every parameter in a path. A new name fails in `target` until it gets a value here.
NOBODY = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"
PARAMETERS = {
    "id": NOBODY,
    "session_id": NOBODY,
    "email_id": NOBODY,
    "key_id": NOBODY,
    "user_id": NOBODY,
    "name": "no-such-role",
    "language": "en",
    "role": "no-such-role",
    "permission": "users:read",
}


@dataclass(frozen=True)
class Operation:
    """One operation and what is declared of it."""

    method: str
    path: str
    access: str
    has_body: bool
    has_security: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def target(self, **values: str) -> str:
        """Its address, with these values in the path, or with some that lead nowhere."""
        return self.path.format(**(PARAMETERS | values))

    def options(self) -> dict[str, Any]:
        """What a request needs so that nothing but the access rule refuses it before the body is looked at."""
        return {"json": {}} if self.has_body else {}


def declared(anonymous: Client) -> list[Operation]:
    """All operations of the served document. One without an access rule fails."""
    document = anonymous.get("/openapi.json", expect=200).json()
    return [
        Operation(
            method=method.upper(),
            path=path,
            access=item[method]["x-usher-access"],
            has_body="requestBody" in item[method],
            has_security=bool(item[method].get("security")),
        )
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]
