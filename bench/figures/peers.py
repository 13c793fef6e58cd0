"""P-02 and P-04: the load of P-01 and P-03 on usher, and on servers that others would put in its place, in turns on the same PostgreSQL."""

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from .. import template, wrk
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..peer import Peer, started
from ..people import PASSWORD, People, lines
from ..report import Report
from ..site import Site
from .reads import Reads
from .sign_ins import CONNECTIONS, PATH, PEOPLE

FASTAPI, FASTAPI_USERS = "FastAPI + SQLAlchemy", "fastapi-users"
READS_MIN = {FASTAPI: 15.0, FASTAPI_USERS: 30.0}
SIGN_INS_MIN = {FASTAPI_USERS: 3.0}


def reads(options: Options) -> None:
    report = Report("P-02", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as name:
        folder, people = Path(name), People(site, 1)
        asked = Reads(site, people, folder)
        split = Split([site.pid], site.cluster.pid)
        with _peers(options, site, people, asked.ids) as peers:
            for peer in (peer for peer in peers if peer.paths):

                def ours() -> float:
                    with split:
                        return asked.burst(options.burst_seconds).rate

                def theirs(peer: Peer = peer) -> float:
                    return peer.reads(folder, CONNECTIONS, options.burst_seconds)

                one, other = rates_in_turns(site.cluster, ours, theirs, options.pairs)
                report.compare(f"P-02 GET of a user / {peer.name}", READS_MIN.get(peer.name), one, other, split, peer.name)
    report.write()


def sign_ins(options: Options) -> None:
    report = Report("P-04", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as name:
        folder, people = Path(name), People(site, PEOPLE)
        bodies = lines(folder, people.bodies())
        split = Split([site.pid], site.cluster.pid)
        with _peers(options, site, people, []) as peers:
            for peer in (peer for peer in peers if peer.logins):

                def ours() -> float:
                    with split:
                        return wrk.load(site.base_url, "post", CONNECTIONS, options.burst_seconds + 2, PATH, bodies, may_fail=True).rate

                def theirs(peer: Peer = peer) -> float:
                    return peer.sign_ins(folder, CONNECTIONS, options.burst_seconds + 2)

                one, other = rates_in_turns(site.cluster, ours, theirs, options.pairs)
                report.compare(f"P-04 sign-in / {peer.name}", SIGN_INS_MIN.get(peer.name), one, other, split, peer.name)
    report.write()


@contextmanager
def _peers(options: Options, site: Site, people: People, ids: list[str]) -> Iterator[list[Peer]]:
    """Ours, and those that the files of `--peer` name."""
    site.cluster.execute("create database peers owner usher", database="postgres")
    keys = _get(f"{site.base_url}/.well-known/jwks.json").decode()
    with ExitStack() as stack:
        peers = [_fastapi_users(stack.enter_context(started(options.peers_python, "fastapi_users_app", site.cluster, "peers")))]
        if ids:
            known = {"PEER_KEYS": keys, "PEER_ISSUER": site.base_url}
            url = stack.enter_context(started(options.peers_python, "fastapi_app", site.cluster, "usher", **known))
            peers.insert(0, _fastapi(site, url, people.access_token(), ids))
        yield peers + [Peer.load(path) for path in options.peers]


def _fastapi(site: Site, url: str, token: str, ids: list[str]) -> Peer:
    peer = Peer(FASTAPI, url, [f"/v1/users/{user_id}" for user_id in ids], token)
    path = peer.paths[0]
    ours, theirs = (_plain(_get(f"{base_url}{path}", token)) for base_url in (site.base_url, url))
    assert ours == theirs, f"usher and {FASTAPI} tell of different users: {ours} {theirs}"
    return peer


def _plain(answer: bytes) -> dict:
    """Times are written otherwise, and a picture is where each server has it."""
    members = json.loads(answer)
    del members["avatar_url"]
    times = ("last_sign_in_at", "created_at", "updated_at")
    return {name: value for name, value in members.items() if name not in times} | {"emails": len(members["emails"])}


def _fastapi_users(url: str) -> Peer:
    names = [f"person{number}@example.com" for number in range(PEOPLE)]
    for name in names:
        _get(f"{url}/auth/register", body=json.dumps({"email": name, "password": PASSWORD}), kind="application/json")
    logins = [urlencode({"username": name, "password": PASSWORD}) for name in names]
    form = "application/x-www-form-urlencoded"
    token = json.loads(_get(f"{url}/auth/jwt/login", body=logins[0], kind=form))["access_token"]
    return Peer(FASTAPI_USERS, url, ["/users/me"], token, "/auth/jwt/login", logins, form)


def _get(url: str, token: str = "", body: str = "", kind: str = "") -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Content-Type": kind} if kind else {}
    with urllib.request.urlopen(urllib.request.Request(url, body.encode() or None, headers), timeout=60) as answer:  # noqa: S310
        return answer.read()
