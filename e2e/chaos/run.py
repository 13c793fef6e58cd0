"""One run: a server, clients, kills, and the reckoning at the end."""

import json
import os
import random
import signal
import statistics
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness import wire
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import NO_LIMITS, Stage, Usher
from harness.waiting import until

from . import checker, state
from .history import History
from .workload import MIXED, Client

CLIENTS = 5
# Between two kills: at least so many acknowledged requests, and then a moment that nobody knows.
ACKNOWLEDGED_BETWEEN = 40
MOMENT_SECONDS = 0.4
READY_SECONDS = 60
QUIET_SECONDS = 120


@dataclass(frozen=True)
class Plan:
    """How often who is killed, and what is asked meanwhile."""

    kills: int
    postgres_kills: int
    seed: int = 1
    weights: dict[str, int] = field(default_factory=lambda: dict(MIXED))

    def order(self) -> list[str]:
        """Evenly mixed."""
        total = self.kills + self.postgres_kills
        postgres = {round((at + 0.5) * total / self.postgres_kills) for at in range(self.postgres_kills)}
        return ["postgres" if at in postgres else "usher" for at in range(total)]


@dataclass
class Report:
    """What came of it."""

    requests: int
    acknowledged: int
    # Of those, how many of each kind.
    kinds: dict[str, int]
    unanswered: int
    seconds: float
    # From the kill until /readyz says 200.
    ready_after: dict[str, list[float]]
    violations: list[str]

    def __str__(self) -> str:
        lines = [
            f"{self.requests} requests in {self.seconds:.0f} s: {self.acknowledged} acknowledged, "
            f"{self.unanswered} without an answer that tells",
            ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items())),
        ]
        for who, seconds in self.ready_after.items():
            if seconds:
                lines.append(
                    f"{who} was killed {len(seconds)} times, ready again after {statistics.median(seconds):.2f} s "
                    f"(median), {max(seconds):.2f} s (longest)"
                )
        lines.append(f"{len(self.violations)} violations")
        return "\n".join([*lines, *self.violations[:50]])


def run(stage: Stage, mailbox: Mailbox, plan: Plan, **settings: str) -> Report:
    """Does what the plan says on a server of its own."""
    usher = stage.usher(USHER_TRUSTED_PROXIES="127.0.0.1", **NO_LIMITS, **settings)
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        admin = site.set_up(usher.setup_token())
        return _run(usher, site, admin, plan)
    finally:
        usher.remove()


def _run(usher: Usher, site: Site, admin: Person, plan: Plan) -> Report:
    begun = time.monotonic()
    history = History(usher.base_url)
    clients = [
        Client(history, site.mailbox, admin, plan.seed * 100 + number, plan.weights) for number in range(CLIENTS)
    ]
    for client in clients:
        client.thread.start()
    chance = random.Random(plan.seed)
    ready_after: dict[str, list[float]] = {"usher": [], "postgres": []}
    try:
        for who in plan.order():
            enough = history.acknowledged() + ACKNOWLEDGED_BETWEEN
            until("requests are acknowledged", lambda enough=enough: _goes_on(clients, history, enough), seconds=60)
            time.sleep(chance.uniform(0, MOMENT_SECONDS))
            ready_after[who].append(_kill(usher, who, chance))
    finally:
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.thread.join(timeout=60)
    for client in clients:
        if client.failure:
            raise client.failure
    found = _reckon(usher, site, clients, history)
    asked = history.all()
    violations = checker.violations(asked, found)
    if violations:
        _keep(history, found)
    return Report(
        requests=len(asked),
        acknowledged=sum(1 for one in asked if one.sure),
        kinds=Counter(one.kind for one in asked if one.sure),
        unanswered=sum(1 for one in asked if one.unsure),
        seconds=time.monotonic() - begun,
        ready_after=ready_after,
        violations=violations,
    )


def _goes_on(clients: list[Client], history: History, enough: int) -> bool:
    for client in clients:
        if client.failure:
            raise client.failure
    return history.acknowledged() >= enough


def _kill(usher: Usher, who: str, chance: random.Random) -> float:
    """Takes it away and waits until all is ready again; returns how long that took."""
    if who == "usher":
        begun = time.monotonic()
        usher.kill()
        usher.launch()
    else:
        pid = usher.postgres_pid()
        assert pid, "PostgreSQL runs"
        # Without a word, or as an operator who cannot wait: no checkpoint in either case.
        os.kill(pid, chance.choice([signal.SIGKILL, signal.SIGQUIT]))
        begun = time.monotonic()
        until("PostgreSQL is gone", lambda: usher.postgres_pid() != pid)

    def is_ready() -> bool:
        assert usher.running, f"usher has ended:\n{usher.tail()}"
        try:
            return wire.ask(usher.base_url, "/readyz").status == 200
        except OSError:
            return False

    until(f"it is ready after {who} was killed", is_ready, seconds=READY_SECONDS)
    return time.monotonic() - begun


def _reckon(usher: Usher, site: Site, clients: list[Client], history: History) -> state.State:
    """Waits until the after-work is done, and reads what there is."""
    with state.connect(usher.data_dir) as connection:
        waiting = "select count(*) from jobs where unique_key is null and dead_at is null"
        # A job that failed while the database was away is not due yet: it may be tried now.
        hurry = "update jobs set run_at = now() where run_at > now() and unique_key is null and claimed_until is null"

        def done() -> bool:
            connection.execute(hurry)
            return connection.execute(waiting).fetchone() == 0

        until("the after-work is done", done, seconds=QUIET_SECONDS)
    found = state.read(usher.data_dir)
    meant = {one.address for client in clients for one in client.people} | {asked.subject for asked in history.all()}
    found.delivered = [state.delivered(mail) for address in sorted(meant) for mail in site.mailbox.to(address)]
    people = [one for client in clients for one in client.people]
    found.opening = {
        one.address: [password for password in _passwords(history, one.address) if _opens(site, one.address, password)]
        for one in people
        if one.active and not one.deleted
    }
    for one in people:
        for session in one.sessions:
            body = {"refresh_token": session["refresh_token"]}
            if site.anonymous.post("/v1/refresh", json=body).status_code != 200:
                found.dead_ends.append(session["refresh_token"])
    return found


def _passwords(history: History, address: str) -> list[str]:
    asked = [one for one in history.all() if one.subject == address and "password" in one.wanted]
    # Right ones last: a success forgives the failures before it.
    return list(dict.fromkeys(one.wanted["password"] for one in asked))[-5:]


def _opens(site: Site, address: str, password: str) -> bool:
    return site.login(address, password).status_code == 200


def _keep(history: History, found: state.State) -> None:
    """What a violation was found in, for whoever looks into it. It holds the passwords of the run."""
    folder = os.environ.get("E2E_CHAOS_KEEP")
    if folder:
        kept = {"history": [asdict(asked) for asked in history.all()], "state": asdict(found)}
        (Path(folder) / "chaos.json").write_text(json.dumps(kept, indent=1))
