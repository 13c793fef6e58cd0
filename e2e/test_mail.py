"""What arrives at a real SMTP server, and what is held when there is none."""

import html.parser
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness import canary
from harness.canary import new_address, new_password, unique
from harness.mailbox import Mail, Mailbox, links, token_of
from harness.people import Newcomer, Person, Site
from harness.programs import program
from harness.server import MAIL_FROM, Stage, Usher
from harness.waiting import until


class Loads(html.parser.HTMLParser):
    """What an HTML mail would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in ("script", "img", "iframe", "object", "embed", "link", "form") or names & {
            "src",
            "srcset",
            "background",
        }:
            self.found.append(tag)
        self.found += [name for name in names if name.startswith("on")]


def every_kind(site: Site, mailbox: Mailbox, person: Callable[..., Person]) -> dict[str, Mail]:
    """One mail of each kind."""
    someone, automator = person(display_name="Ann Example"), person(display_name="Cy Example")
    created = site.create(display_name="Bea Example")
    mails = {"verify": mailbox.to(someone.email)[0], "welcome": mailbox.wait_for(created["email"])}
    program(automator.api)
    mails["api_key"] = mailbox.wait_for(automator.email, after=1)
    mails["reset"] = site.forgot(someone.email)
    site.anonymous.post(
        "/v1/password/reset", json={"token": mails["reset"].token, "password": new_password()}, expect=200
    )
    mails["changed"] = mailbox.wait_for(someone.email, after=2)
    site.register(Newcomer(email=someone.email))
    mails["taken"] = mailbox.wait_for(someone.email, after=3)
    return mails


def test_every_mail_is_readable_as_text_and_as_html(
    site: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    for kind, mail in every_kind(site, mailbox, person).items():
        message = mail.message
        assert message.get_content_type() == "multipart/alternative", kind
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"], kind
        assert message["subject"] and "\n" not in mail.subject, kind
        assert message["message-id"] and message["date"] and message["mime-version"] == "1.0", kind
        assert len(mail.recipients) == 1 and str(message["to"]) == mail.recipients[0], kind
        assert message["cc"] is None and message["bcc"] is None, kind
        assert links(mail.html) == mail.links, f"{kind}: both parts have the same links"
        assert len(mail.links) == (1 if kind in ("verify", "welcome", "reset") else 0), kind
        assert "{{" not in mail.text + mail.html and "{%" not in mail.text + mail.html, kind
        assert Loads(mail.html).found == [], f"{kind}: opening a mail tells nobody"
        for link in mail.links:
            assert link.startswith(f"{site.public_url}/"), kind
        assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 998, f"{kind}: RFC 5321"


def test_the_sender_is_the_configured_one(server: Usher, site: Site, mailbox: Mailbox) -> None:
    mail = mailbox.wait_for(site.register().email)
    assert str(mail.message["from"]) == MAIL_FROM
    assert mail.sender == "users@sender.example.net"


def test_r243_a_name_can_not_break_a_mail(site: Site, mailbox: Mailbox) -> None:
    name = '<img src=x onerror=alert(1)> "Ann" & {{ 7 * 7 }} <https://evil.example/?token=x>'
    created = site.create(display_name=name)
    mail = mailbox.wait_for(created["email"])
    assert Loads(mail.html).found == []
    assert "49" not in mail.subject
    assert mail.recipients == (created["email"],)
    hosts = {urlsplit(link).netloc for link in mail.links}
    assert urlsplit(site.public_url).netloc in hosts


@pytest.mark.parametrize("name", ["Ann\r\nBcc: eve@evil.example", "Ann\nX-Evil: 1", "Ann\rX"])
def test_r243_a_name_can_not_add_a_header(site: Site, mailbox: Mailbox, name: str) -> None:
    email = new_address()
    answer = site.admin.api.post("/v1/users", json={"email": email, "display_name": name}, expect=(201, 422))
    if answer.status_code == 201:
        mail = mailbox.wait_for(email)
        assert mail.recipients == (email,)
        assert mail.message["bcc"] is None and mail.message["x-evil"] is None


def test_an_address_of_another_script_gets_its_mail(site: Site, mailbox: Mailbox) -> None:
    local = unique("ann")
    site.register(Newcomer(email=f"{local}@bücher-{canary.DOMAIN}"))
    ascii_domain = f"bücher-{canary.DOMAIN}".encode("idna").decode()
    mailbox.wait_for(f"{local}@{ascii_domain}")


def test_r262_a_refused_mail_is_kept_and_its_address_stays_out_of_the_log(
    servers: list[Usher], site: Site, mailbox: Mailbox
) -> None:
    domain = f"refused.{canary.DOMAIN}"
    newcomer = Newcomer(email=f"{unique('ann')}@{domain}")
    mailbox.refusals[domain] = f"550 5.1.1 <{newcomer.email}>: no such person"
    site.register(newcomer)

    def tried() -> dict[str, Any] | None:
        return next((one for one in mails_to(servers[0], newcomer.email) if one["attempts"]), None)

    mail = until("the mail is tried", tried)
    assert mail["status"] in ("queued", "failed")
    assert mail["last_error"]
    for usher in servers:
        assert newcomer.email not in usher.log(), "the refusal names the address"
    # The next attempt, whenever it comes, succeeds.
    del mailbox.refusals[domain]


# Without an SMTP server


@pytest.fixture(scope="module")
def held(stage: Stage, mailbox: Mailbox) -> Iterator[Usher]:
    """A server that has nowhere to send mail to."""
    usher = stage.usher(mail=False)
    try:
        usher.start()
        yield usher
    finally:
        usher.remove()


def mails_to(usher: Usher, email: str) -> list[dict[str, Any]]:
    mails = usher.json("mail", "list")
    items = mails["items"] if isinstance(mails, dict) else mails
    return [one for one in items if one["recipient"] == email]


def test_held_mail_is_read_with_the_command_line(held: Usher, mailbox: Mailbox) -> None:
    site = Site(held.base_url, mailbox)
    newcomer = site.register()
    mail = until("the mail is held", lambda: mails_to(held, newcomer.email))[0]
    assert mail["status"] == "held"
    shown = held.cli("mail", "show", mail["id"]).stdout
    found = links(shown)
    assert len(found) == 1 and found[0].startswith(f"{held.base_url}/verify?token=")
    site.verify(token_of(found[0]), newcomer.password)
    site.enter(newcomer.email, newcomer.password)


def test_held_mail_is_sent_when_there_is_a_server_for_it(
    new_server: Callable[..., Usher], server: Usher, mailbox: Mailbox
) -> None:
    usher = new_server(mail=False)
    newcomers = [Site(usher.base_url, mailbox).register() for _ in range(2)]
    for newcomer in newcomers:
        until("the mail is held", lambda email=newcomer.email: mails_to(usher, email))
    assert usher.stop() == 0
    for name in ("USHER_SMTP_URL", "USHER_MAIL_FROM"):
        usher.settings[name] = server.settings[name]
    usher.start()
    usher.cli("mail", "retry")
    for newcomer in newcomers:
        Site(usher.base_url, mailbox).verify(mailbox.wait_for(newcomer.email).token, newcomer.password)


def test_held_mail_is_listed_for_people_without_its_links(held: Usher, mailbox: Mailbox) -> None:
    newcomer = Site(held.base_url, mailbox).register()
    until("the mail is held", lambda: mails_to(held, newcomer.email))
    listed = held.cli("mail", "list").stdout
    assert newcomer.email in listed
    assert "token=" not in listed
    assert "token=" not in held.cli("mail", "list", "--json").stdout


def test_an_unknown_mail_is_an_error(held: Usher) -> None:
    ended = held.cli("mail", "show", "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", code=1)
    assert ended.stderr.strip()
    assert ended.stdout == ""
