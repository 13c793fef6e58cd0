"""Requests written byte by byte, for what no HTTP library would send."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def connect(base_url: str) -> socket.socket:
    place = urlsplit(base_url)
    return socket.create_connection((place.hostname, place.port), timeout=15)


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
        connection.sendall(request)
        return read(connection)


def ask(base_url: str, target: str, *lines: str, method: str = "GET", host: str | None = None) -> RawAnswer:
    """A request without a body, its target and headers exactly as given."""
    head = [f"{method} {target} HTTP/1.1", f"Host: {host or host_of(base_url)}", "Connection: close", *lines]
    return send(base_url, ("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
