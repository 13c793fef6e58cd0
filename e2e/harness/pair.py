"""Two servers on one database, as a deployment has them that must not stop."""

import os
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx

from . import database, storm
from .mailbox import Mailbox
from .people import Site
from .server import Stage, Usher, end_well

# Wide enough that a storm meets in the database and not in front of it.
_WIDE = {"USHER_DATABASE_POOL_SIZE": "16", "USHER_DATABASE_CONNECT_TIMEOUT_SECONDS": "20"}

# How often a race is run. `cargo xtask ci` runs fewer, so that a change is judged within the hour.
ROUNDS = int(os.environ.get("E2E_ROUNDS", "20"))


class Pair:
    """The servers, and the first one as people see it. Both trust this machine to say where requests come from."""

    def __init__(self, stage: Stage, mailbox: Mailbox, **settings: str) -> None:
        settings = _WIDE | {"USHER_TRUSTED_PROXIES": "127.0.0.1"} | settings
        self.first: Usher = stage.usher(**settings)
        self.second: Usher = stage.usher(
            **settings, USHER_DATA_DIR=str(self.first.data_dir), USHER_PUBLIC_URL=self.first.base_url
        )
        self.base_urls = [self.first.base_url, self.second.base_url]
        self._mailbox = mailbox
        self.site = Site(self.first.base_url, mailbox)

    def __enter__(self) -> Self:
        try:
            self.first.start()
            self.second.start()
            self.site.set_up(self.first.setup_token())
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stops both. Unless the test failed already, they must end well."""
        try:
            if kind is None:
                # The one that looks after the database goes last.
                end_well([self.second, self.first])
        finally:
            self._remove()

    def _remove(self) -> None:
        self.second.remove()
        self.first.remove()

    def sql(self, statement: str) -> list[str]:
        return database.sql(self.first.data_dir, statement)

    def metric(self, name: str, **labels: str) -> float:
        """A counter's value, of both servers together."""
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        total = 0.0
        for url in self.base_urls:
            for line in httpx.get(f"{url}/metrics", trust_env=False).text.splitlines():
                found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
                if found and wanted <= set((found[1] or "").split(",")):
                    total += float(found[2])
        return total


def rounds(name: str, race: Callable[[Pair], str], pair: Pair, number: int = ROUNDS) -> None:
    """Runs the rounds of a race and notes what they took and what the last one told."""
    begun = time.monotonic()
    told = [race(pair) for _ in range(number)]
    storm.figures.append(f"{name}: {number} rounds in {time.monotonic() - begun:.1f} s; the last: {told[-1]}")
