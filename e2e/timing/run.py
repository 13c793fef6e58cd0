"""A server to measure, with people on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import NO_LIMITS, Stage

from .measure import People


@contextmanager
def quiet(stage: Stage, mailbox: Mailbox, **settings: str) -> Iterator[tuple[str, People]]:
    """The URL of a server that is occupied by nothing but requests, and who is known to it.

    What follows an answer is not done: after that to a known address it would be in the way of the next request, whomever that
    is about. What is measured is the time of an answer itself.
    """
    settings = {"USHER_TRUSTED_PROXIES": "127.0.0.1", "USHER_LOG_LEVEL": "warn", **NO_LIMITS, **settings}
    usher = stage.usher(**settings)
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.setup_token())
        people = People(site)
        assert usher.stop() == 0
        usher.settings["USHER_RUN_WORKER"] = "false"
        usher.start()
        yield usher.base_url, people
    finally:
        usher.remove()
