"""A client that checks on every answer what must hold for all of them."""

import threading
import time
from typing import Any

import httpx

from . import canary, connections

# Access tokens live for 300 s: renew in good time.
_RENEW_AFTER_SECONDS = 200


class Client:
    """Sends requests without credentials. Fails on any 5xx, and on a failure that is no problem document (R-225)."""

    def __init__(
        self, base_url: str, *, headers: dict[str, str] | None = None, transport: httpx.HTTPTransport | None = None
    ) -> None:
        self.base_url = base_url
        transport = transport or connections.to(base_url)
        # No proxy and no .netrc of whoever runs the tests.
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False, transport=transport)

    def bearer(self) -> str | None:
        """The access token to send, if any."""
        return None

    def request(
        self,
        method: str,
        path: str,
        *,
        expect: int | tuple[int, ...] | None = None,
        headers: dict[str, str] | None = None,
        may_be_unavailable: bool = False,
        **options: Any,
    ) -> httpx.Response:
        """Sends a request. `expect` is the status, or the statuses, that it must have."""
        sent = dict(headers or {})
        bearer = self.bearer()
        if bearer and "authorization" not in {name.lower() for name in sent}:
            sent["Authorization"] = f"Bearer {bearer}"
        canary.note_members(options.get("json"))
        response = self._http.request(method, path, headers=sent, **options)
        check(response, may_be_unavailable=may_be_unavailable)
        if response.content and response.headers.get("content-type", "").startswith("application/json"):
            canary.note_members(response.json())
        if expect is not None:
            expected = expect if isinstance(expect, tuple) else (expect,)
            assert response.status_code in expected, f"expected {expect}: {describe(response)}"
        return response

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)


class Bearer(Client):
    """Sends one fixed access token, whatever it is worth."""

    def __init__(self, base_url: str, token: str) -> None:
        super().__init__(base_url)
        self._token = token

    def bearer(self) -> str:
        return self._token


class Session(Client):
    """Somebody who is signed in, and signs in again before the access token expires."""

    def __init__(self, base_url: str, identifier: str, password: str) -> None:
        super().__init__(base_url)
        self._identifier = identifier
        self._password = password
        self._lock = threading.Lock()
        self.tokens: dict[str, Any] = {}
        self._sign_in()

    def _sign_in(self) -> None:
        anonymous = Client(self.base_url)
        body = {"identifier": self._identifier, "password": self._password}
        self.tokens = anonymous.post("/v1/login", json=body, expect=200).json()
        self._signed_in = time.monotonic()

    def bearer(self) -> str:
        with self._lock:
            if time.monotonic() - self._signed_in > _RENEW_AFTER_SECONDS:
                self._sign_in()
            return self.tokens["access_token"]

    @property
    def refresh_token(self) -> str:
        return self.tokens["refresh_token"]


def check(response: httpx.Response, *, may_be_unavailable: bool = False) -> None:
    """What holds for every answer, whatever was asked."""
    status = response.status_code
    ours = may_be_unavailable and status == 503
    assert status < 500 or ours, f"the server failed: {describe(response)}"
    request_id = response.headers.get("x-request-id")
    assert request_id, f"no X-Request-Id: {describe(response)}"
    if status < 400 or response.request.method == "HEAD":
        return
    content_type = response.headers.get("content-type", "")
    if content_type.startswith("text/html"):
        return
    assert content_type == "application/problem+json", f"no problem document: {describe(response)}"
    body = response.json()
    assert body["status"] == status
    assert body["request_id"] == request_id
    assert body["title"] and body["detail"] and body["type"] == "about:blank"
    assert body["code"].replace("_", "").isalnum() and body["code"].islower(), body["code"]
    for error in body.get("errors", []):
        assert error["code"] and error["detail"]
        places = [place for place in ("pointer", "parameter", "header") if place in error]
        assert len(places) == 1, f"an error names one place: {error}"


def describe(response: httpx.Response) -> str:
    """The exchange in one line, for a failed assertion."""
    request = response.request
    return f"{request.method} {request.url} -> {response.status_code} {response.text[:1000]}"


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Asserts that the answer is this failure and returns its body."""
    assert response.status_code == status, f"expected {status} {code}: {describe(response)}"
    body = response.json()
    assert body["code"] == code, f"expected {status} {code}: {describe(response)}"
    return body


def faults(response: httpx.Response, place: str = "pointer") -> dict[str, str]:
    """Of a failure, the place of each fault with its code."""
    return {error[place]: error["code"] for error in response.json().get("errors", []) if place in error}


def refused(response: httpx.Response, pointer: str, code: str | None = None) -> None:
    """Asserts that the body was refused for a fault at this place."""
    problem(response, 422, "invalid_body")
    found = faults(response)
    assert pointer in found, f"no fault at {pointer}: {describe(response)}"
    if code is not None:
        assert found[pointer] == code, f"expected {code} at {pointer}: {describe(response)}"


def outward(response: httpx.Response) -> dict[str, Any]:
    """All that the client can tell answers apart by, less what differs between any two requests (R-026)."""
    # What is left of a network's quota says nothing about an account.
    # Whether a connection is kept may depend on how many requests it has had.
    volatile = {"date", "x-request-id", "content-length", "ratelimit", "connection"}
    headers = {name: value for name, value in response.headers.items() if name not in volatile}
    body = response.json() if response.content else None
    if isinstance(body, dict):
        body.pop("request_id", None)
    return {"status": response.status_code, "headers": headers, "body": body}
