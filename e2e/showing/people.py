"""Who is there: an administrator, a person with some history, and two thousand others."""

from harness import database, seeding
from harness.mailbox import Mailbox
from harness.people import Newcomer, Person, Site
from harness.server import Usher

OTHERS = 2000


class Cast:
    def __init__(self, server: Usher, mailbox: Mailbox) -> None:
        self._site = Site(server.base_url, mailbox, server.public_url)
        self._site.set_up(server.setup_token())
        seeding.seed(database.place(server.data_dir), OTHERS)
        self.people = {"grace": self._grace(), "ada": self._ada()}

    def _grace(self) -> Person:
        return self._person("grace@example.org", "Grace Hopper", "admin")

    def _ada(self) -> Person:
        ada = self._person("ada@example.org", "Ada Lovelace")
        for _ in range(2):
            self._site.login(ada.email, ada.password)
        self._site.login(ada.email, "not the password of ada")
        return ada

    def _person(self, email: str, name: str, *roles: str) -> Person:
        newcomer = self._site.register(Newcomer(email=email), display_name=name)
        self._site.verify(self._site.mailbox.wait_for(email).token, newcomer.password)
        person = self._site.enter(email, newcomer.password)
        if roles:
            self._site.grant(person, *roles)
        return person
