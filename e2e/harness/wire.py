"""Requests written byte by byte, for what no HTTP library would send."""

import http.client
import json
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .connections import connect


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def host_of(base_url: str) -> str:
    return urlsplit(base_url).netloc


def read(connection: socket.socket) -> RawAnswer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return RawAnswer(response.status, headers, response.read())


def send(base_url: str, request: bytes) -> RawAnswer:
    """Sends these bytes on a connection of their own and reads one answer."""
    with connect(base_url) as connection:
        # Who refuses a request may hang up on the rest of it.
        with suppress(ConnectionError, ssl.SSLEOFError):
            connection.sendall(request)
        return read(connection)


def ask(base_url: str, target: str, *lines: str, method: str = "GET", host: str | None = None) -> RawAnswer:
    """A request without a body, its target and headers exactly as given."""
    head = [f"{method} {target} HTTP/1.1", f"Host: {host or host_of(base_url)}", "Connection: close", *lines]
    return send(base_url, ("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
