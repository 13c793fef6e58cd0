"""People who use a server, and how they come to be."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from .canary import new_address, new_password
from .client import Client, Session
from .mailbox import Mail, Mailbox


@dataclass
class Newcomer:
    """Somebody who has asked to register and has not verified the address."""

    email: str = field(default_factory=new_address)
    password: str = field(default_factory=new_password)


@dataclass
class Person:
    """Somebody who is registered, verified and signed in."""

    id: str
    username: str
    email: str
    password: str
    api: Session

    def sign_in(self) -> Session:
        """One more session."""
        return Session(self.api.base_url, self.email, self.password)


class Site:
    """A server as people see it: its URL, and the mail it sends."""

    def __init__(self, base_url: str, mailbox: Mailbox | None = None, public_url: str | None = None) -> None:
        self.base_url = base_url
        self.public_url = public_url or base_url
        self.anonymous = Client(base_url)
        self._mailbox = mailbox
        self._admin: Person | None = None

    @property
    def mailbox(self) -> Mailbox:
        assert self._mailbox, "this server's mail does not come here"
        return self._mailbox

    @property
    def admin(self) -> Person:
        assert self._admin, "this server has no administrator that the tests know"
        return self._admin

    def set_up(self, token: str) -> Person:
        """Makes the first administrator."""
        newcomer = Newcomer(email=new_address("grace"))
        body = {"token": token, "email": newcomer.email, "password": newcomer.password}
        self.anonymous.post("/v1/setup", json=body, expect=201)
        return self.adopt_admin(newcomer.email, newcomer.password)

    def adopt_admin(self, identifier: str, password: str) -> Person:
        """Takes an administrator that exists already."""
        self._admin = self.enter(identifier, password)
        return self._admin

    def enter(self, identifier: str, password: str) -> Person:
        """Signs somebody in."""
        api = Session(self.base_url, identifier, password)
        me = api.get("/v1/me", expect=200).json()
        return Person(id=me["id"], username=me["username"], email=me["email"], password=password, api=api)

    def register(self, newcomer: Newcomer | None = None, **members: Any) -> Newcomer:
        """Asks to register."""
        newcomer = newcomer or Newcomer()
        body = {"email": newcomer.email, "password": newcomer.password, **members}
        self.anonymous.post("/v1/register", json=body, expect=202)
        return newcomer

    def verify(self, token: str, password: str) -> None:
        """Confirms the address of a sign-up with the password that was chosen there."""
        self.anonymous.post("/v1/verify-email", json={"token": token, "password": password}, expect=200)

    def person(self, *roles: str, **members: Any) -> Person:
        """Somebody new, who has gone the whole way; with these roles beside `user`, if any are named."""
        newcomer = self.register(**members)
        self.verify(self.mailbox.wait_for(newcomer.email).token, newcomer.password)
        person = self.enter(newcomer.email, newcomer.password)
        if roles:
            self.grant(person, *roles)
        return person

    def grant(self, person: Person, *roles: str) -> None:
        """Gives a person exactly the role `user` and these."""
        body = {"roles": ["user", *roles]}
        self.admin.api.put(f"/v1/users/{person.id}/roles", json=body, expect=200)

    def create(self, by: Client | None = None, **members: Any) -> dict[str, Any]:
        """A user whom an administrator makes: pending, without a password."""
        body = {"email": new_address(), **members}
        return (by or self.admin.api).post("/v1/users", json=body, expect=201).json()

    def read(self, user_id: str) -> dict[str, Any]:
        """A user as an administrator sees them."""
        return self.admin.api.get(f"/v1/users/{user_id}", expect=200).json()

    def login(self, identifier: str, password: str, **options: Any) -> httpx.Response:
        """One attempt to sign in, whatever comes of it."""
        return self.anonymous.post("/v1/login", json={"identifier": identifier, "password": password}, **options)

    def forgot(self, email: str) -> Mail:
        """Asks for a new password and waits for the mail."""
        before = len(self.mailbox.to(email))
        self.anonymous.post("/v1/password/forgot", json={"email": email}, expect=202)
        return self.mailbox.wait_for(email, after=before)
