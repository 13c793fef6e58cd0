"""Clients that change things without pause. Each has people of its own, so it knows in which order things were asked of them."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from harness.canary import new_address, new_password, unique
from harness.mailbox import Mailbox, token_of
from harness.people import Person

from .history import Asked, History, Unreachable

ADMIN_TOKEN_SECONDS = 200
# Where the links lead that the clients follow.
PAGES = ("/verify?", "/reset-password?")
# How often each kind is chosen, where there is somebody to do it with.
MIXED = {
    **{"register": 3, "verify": 6, "login": 4, "refresh": 4, "logout": 2, "patch": 6, "forgot": 2, "reset": 4},
    **{"create": 5, "roles": 3, "delete": 1, "restore": 2},
}
CREATIONS = {"create": 1}


@dataclass
class Somebody:
    """A person of a client, as far as the client knows."""

    address: str
    # None when the last change of it was not answered, or none was set yet.
    password: str | None
    id: str | None = None
    active: bool = False
    deleted: bool = False
    # How many mails have been read, and the link that was found in one and not used yet.
    mails: int = 0
    link: str | None = None
    awaits: str | None = None
    # Access and refresh token of sessions that must be alive.
    sessions: list[dict[str, str]] = field(default_factory=list)


class Client:
    """Does one thing after the other, in a thread of its own, until it is told to stop."""

    def __init__(self, history: History, mailbox: Mailbox, admin: Person, seed: int, weights: dict[str, int]) -> None:
        self.thread = threading.Thread(target=self._run, name=f"client {seed}", daemon=True)
        self._history = history
        self._mailbox = mailbox
        self._admin = admin
        self._admin_token = ("", -1000.0)
        self._random = random.Random(seed)
        self._weights = weights
        self._http = httpx.Client(base_url=history.base_url, timeout=30, trust_env=False)
        self.people: list[Somebody] = []
        self.stopping = threading.Event()
        self.failure: BaseException | None = None

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                self._one()
        except BaseException as error:  # noqa: BLE001, it is raised again by whoever waits for the thread
            self.failure = error
        finally:
            self._http.close()

    def _one(self) -> None:
        kind = self._random.choices(list(self._weights), list(self._weights.values()))[0]
        candidates = self._candidates(kind)
        if not candidates:
            return
        somebody = self._random.choice(candidates)
        action: Callable[[Somebody], None] = getattr(self, f"do_{kind}")
        try:
            action(somebody)
        except Unreachable:
            self._back_off()

    def _candidates(self, kind: str) -> list[Somebody]:
        """With whom this can be done now."""
        if kind in ("register", "create"):
            return [Somebody(new_address(), None)] if len(self.people) < 600 else []
        usable = self.people[-40:]
        fits: dict[str, Callable[[Somebody], bool]] = {
            "verify": lambda one: one.awaits == "verify" and self._has_mail(one),
            "login": lambda one: one.active and not one.deleted and one.password is not None and len(one.sessions) < 3,
            "refresh": lambda one: bool(one.sessions),
            "logout": lambda one: len(one.sessions) > 1,
            "patch": lambda one: bool(one.sessions),
            "forgot": lambda one: one.active and not one.deleted and one.awaits is None,
            "reset": lambda one: not one.deleted and one.awaits == "reset" and self._has_mail(one),
            "roles": lambda one: one.id is not None and not one.deleted,
            "delete": lambda one: one.id is not None and not one.deleted and one.awaits is None,
            "restore": lambda one: one.deleted,
        }
        return [one for one in usable if fits[kind](one)]

    def _has_mail(self, somebody: Somebody) -> bool:
        """Whether a mail with a link has come that was not used yet."""
        if somebody.link is None:
            mails = self._mailbox.to(somebody.address)
            while somebody.link is None and somebody.mails < len(mails):
                wanted = [link for link in mails[somebody.mails].links if any(page in link for page in PAGES)]
                somebody.link = wanted[0] if wanted else None
                somebody.mails += 1
        return somebody.link is not None

    def _token(self, somebody: Somebody) -> str:
        assert somebody.link
        token, somebody.link = token_of(somebody.link), None
        return token

    def _ask(self, kind: str, somebody: Somebody, method: str, path: str, **options: object) -> Asked:
        asked = self._history.ask(self._http, kind, somebody.address, method, path, **options)  # type: ignore[arg-type]
        if asked.unsure:
            self._back_off()
        return asked

    def _by_admin(self, kind: str, somebody: Somebody, method: str, path: str, **options: object) -> Asked:
        token, since = self._admin_token
        if time.monotonic() - since > ADMIN_TOKEN_SECONDS:
            admin = Somebody(self._admin.email, self._admin.password)
            body = {"identifier": admin.address, "password": admin.password}
            signed_in = self._ask("login", admin, "POST", "/v1/login", body=body)
            if not signed_in.sure:
                raise Unreachable
            token = signed_in.answer["access_token"]
            self._admin_token = (token, time.monotonic())
        return self._ask(kind, somebody, method, path, token=token, **options)

    def _until_sure(self, ask: Callable[[], Asked]) -> Asked:
        """Repeats a change under its Idempotency-Key until there is an answer: 409 means that the first is still at work."""
        while True:
            try:
                asked = ask()
            except Unreachable:
                self._back_off()
                continue
            if not asked.unsure and asked.answer.get("code") != "idempotency_key_in_flight":
                assert asked.sure, f"{asked.kind} was refused: {asked.status} {asked.answer}"
                return asked
            self._back_off()

    def _back_off(self) -> None:
        """Something is being started again."""
        time.sleep(0.1)

    # Without an account

    def do_register(self, somebody: Somebody) -> None:
        password, key = new_password(), unique("key")
        body = {"email": somebody.address, "password": password}
        wanted = {"password": password}
        path = "/v1/register"
        self._until_sure(lambda: self._ask("register", somebody, "POST", path, body=body, key=key, wanted=wanted))
        somebody.password, somebody.awaits = password, "verify"
        self.people.append(somebody)

    def do_verify(self, somebody: Somebody) -> None:
        # The password of the sign-up: who reads the mail shows that it was they who signed up.
        body = {"token": self._token(somebody), "password": somebody.password}
        asked = self._ask("verify", somebody, "POST", "/v1/verify-email", body=body)
        # Without an answer nobody knows: this person is left alone, and the checks find out.
        somebody.awaits = None
        somebody.active = asked.sure

    def do_forgot(self, somebody: Somebody) -> None:
        asked = self._ask("forgot", somebody, "POST", "/v1/password/forgot", body={"email": somebody.address})
        if asked.sure:
            somebody.awaits = "reset"

    def do_reset(self, somebody: Somebody) -> None:
        password = new_password()
        body = {"token": self._token(somebody), "password": password}
        sessions, somebody.sessions = somebody.sessions, []
        somebody.awaits = None
        asked = self._ask("reset", somebody, "POST", "/v1/password/reset", body=body, wanted={"password": password})
        if asked.sure:
            somebody.password, somebody.active = password, True
        elif asked.refused:
            somebody.sessions = sessions
        else:
            somebody.password = None

    # With an account

    def do_login(self, somebody: Somebody) -> None:
        body = {"identifier": somebody.address, "password": somebody.password}
        asked = self._ask("login", somebody, "POST", "/v1/login", body=body)
        assert not asked.refused, f"a right password was refused: {asked.status} {asked.answer}"
        if asked.sure:
            somebody.sessions.append(asked.answer)

    def do_refresh(self, somebody: Somebody) -> None:
        session = somebody.sessions.pop(0)
        body = {"refresh_token": session["refresh_token"]}
        asked = self._ask("refresh", somebody, "POST", "/v1/refresh", body=body, wanted=body)
        assert not asked.refused, f"a fresh refresh token was refused: {asked.status} {asked.answer}"
        if asked.sure:
            somebody.sessions.append(asked.answer)

    def do_logout(self, somebody: Somebody) -> None:
        session = somebody.sessions.pop(0)
        self._ask("logout", somebody, "POST", "/v1/logout", token=session["access_token"])

    def do_patch(self, somebody: Somebody) -> None:
        body = {"display_name": unique("n")}
        token = somebody.sessions[-1]["access_token"]
        self._ask("patch", somebody, "PATCH", "/v1/me", body=body, token=token)

    # By an administrator

    def do_create(self, somebody: Somebody) -> None:
        key, body = unique("key"), {"email": somebody.address}
        asked = self._until_sure(lambda: self._by_admin("create", somebody, "POST", "/v1/users", body=body, key=key))
        somebody.id, somebody.awaits = asked.answer["id"], "reset"
        self.people.append(somebody)

    def do_roles(self, somebody: Somebody) -> None:
        roles = self._random.choice([["user"], ["manager", "user"]])
        self._by_admin("roles", somebody, "PUT", f"/v1/users/{somebody.id}/roles", body={"roles": roles})

    def do_delete(self, somebody: Somebody) -> None:
        somebody.sessions = []
        asked = self._by_admin("delete", somebody, "DELETE", f"/v1/users/{somebody.id}")
        if asked.sure:
            somebody.deleted = True
        else:
            self.people.remove(somebody)

    def do_restore(self, somebody: Somebody) -> None:
        asked = self._by_admin("restore", somebody, "POST", f"/v1/users/{somebody.id}/restore")
        if asked.sure:
            somebody.deleted = False
        else:
            self.people.remove(somebody)
