"""Databases with made-up users. Seeding takes minutes, so each is made once and copied for every run."""

import json
import re
import secrets
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.seeding import SCHEMA, seed

from .cluster import CACHE, ROOT, Cluster
from .load import Connection
from .site import Site

_INDEX_SECONDS = 3600


def schema_version() -> int:
    return max(int(found[1]) for path in (ROOT / "migrations").glob("V*.sql") if (found := re.match(r"V(\d+)__", path.name)))


def _place(users: int) -> Path:
    return CACHE / f"users-{users}-V{schema_version()}"


def stands(users: int) -> bool:
    """Whether the template for so many users need not be made."""
    return _place(users).exists()


def ensure(binary: Path, users: int) -> Path:
    """The template for so many users; one that was left half made, or made for an earlier schema, is taken up."""
    place = _place(users)
    if place.exists():
        return place
    half = place.with_name(f"{place.name}.building")
    older = [path for path in CACHE.glob(f"users-{users}-V*") if path.suffix != ".building"]
    if older and not half.exists():
        # The server migrates it.
        older[0].rename(half)
    cluster = Cluster(half)
    if cluster.data.exists():
        cluster.adopt()
    else:
        cluster.create()
    secret = half / "secret-key"
    if not secret.exists():
        secret.write_text(b64encode(secrets.token_bytes(32)).decode())
    site = Site(binary, CACHE / f"site-{users}", cluster, secret.read_text().strip())
    try:
        site.start()
        began = time.monotonic()
        added = seed(cluster.place, users)
        print(f"template of {users} users: {added} made in {time.monotonic() - began:.0f} s", flush=True)
        (half / "key").write_text(site.make_key())
        _set_schema(site)
        site.stop()
        cluster.execute("vacuum (analyze)")
    finally:
        site.usher.remove()
        cluster.stop()
    half.rename(place)
    return place


def _set_schema(site: Site) -> None:
    connection = Connection(site.base_url, site.key)
    connection.send("PUT", "/v1/attribute-schema", json.dumps(SCHEMA).encode())
    until = time.monotonic() + _INDEX_SECONDS
    while True:
        standing = json.loads(connection.get("/v1/attribute-schema"))
        indexes = standing.get("indexes") or []
        if not standing.get("pending") and len(indexes) == len(SCHEMA["properties"]) and all(index["state"] == "ready" for index in indexes):
            break
        assert time.monotonic() < until, f"the schema is not in force: {standing}"
        time.sleep(0.5)
    connection.close()


@contextmanager
def running(binary: Path, users: int, **settings: str) -> Iterator[Site]:
    """A server, under these settings of its own, on a copy of the template, which goes away with it."""
    template = ensure(binary, users)
    folder = CACHE / f"run-{users}"
    _remove(folder)
    subprocess.run(["cp", "-a", "--reflink=auto", str(template), str(folder)], check=True)
    cluster = Cluster(folder)
    cluster.adopt()
    site = Site(binary, CACHE / f"site-{users}", cluster, (folder / "secret-key").read_text().strip(), **settings)
    site.key = (folder / "key").read_text()
    try:
        site.start()
        yield site
        site.stop()
    finally:
        site.usher.remove()
        _remove(folder)


def _remove(folder: Path) -> None:
    cluster = Cluster(folder)
    if cluster.running:
        cluster.stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)
