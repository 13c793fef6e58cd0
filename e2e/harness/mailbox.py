"""A real SMTP server that keeps what it is given."""

import asyncio
import email
import email.policy
import html
import re
import threading
from collections import defaultdict
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from aiosmtpd.smtp import Session as SmtpSession

from . import canary
from .waiting import until

_LINK = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True)
class Mail:
    """One mail as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        message = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def part(self, kind: str) -> str:
        """The body as `plain` or `html`."""
        part = self.message.get_body((kind,))
        assert part is not None, f"the mail has no {kind} part"
        return part.get_content()

    @property
    def subject(self) -> str:
        return str(self.message["subject"])

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def html(self) -> str:
        return self.part("html")

    @property
    def links(self) -> list[str]:
        """The links of the text part that carry a token."""
        return links(self.text)

    @property
    def link(self) -> str:
        found = self.links
        assert len(found) == 1, f"expected one link with a token, found {len(found)} in {self.subject!r}"
        return found[0]

    @property
    def token(self) -> str:
        return token_of(self.link)


def links(text: str) -> list[str]:
    """Links with a token, in text or HTML, each once."""
    found = (link.rstrip(".,)") for link in _LINK.findall(html.unescape(text)))
    return list(dict.fromkeys(link for link in found if "token=" in link))


def token_of(link: str) -> str:
    token = parse_qs(urlsplit(link).query)["token"][0]
    canary.note(token)
    return token


class Mailbox:
    """The sink. It listens on this machine until it is closed; one thread, one event loop."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._mails: dict[str, list[Mail]] = defaultdict(list)
        self._arrived = threading.Condition()
        # Recipients' domains that are refused, with what is said to the sender.
        self.refusals: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail sink", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(host, port), self._loop).result(20)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self, host: str, port: int) -> asyncio.Server:
        def protocol() -> SMTP:
            return SMTP(
                self,
                enable_SMTPUTF8=True,
                hostname="localhost",
                authenticator=lambda *_: AuthResult(success=True),
                auth_require_tls=False,
                loop=self._loop,
            )

        return await self._loop.create_server(protocol, host, port)

    async def handle_RCPT(  # noqa: N802, the library looks for this name
        self, _server: SMTP, _session: SmtpSession, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = self.refusals.get(address.rpartition("@")[2].lower())
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: SmtpSession, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else bytes(content or b"")
        mail = Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw)
        with self._arrived:
            for recipient in {recipient.lower() for recipient in mail.recipients}:
                self._mails[recipient].append(mail)
            self._arrived.notify_all()
        return "250 OK"

    def to(self, address: str) -> list[Mail]:
        """The mails to an address so far, the oldest first."""
        with self._arrived:
            return list(self._mails.get(address.lower(), ()))

    def wait_for(self, address: str, *, after: int = 0, seconds: float = 20) -> Mail:
        """The first mail to the address that follows the first `after` ones; waits for it to come."""
        with self._arrived:
            come = self._arrived.wait_for(lambda: len(self.to(address)) > after, timeout=seconds)
            mails = self.to(address)
        assert come, (
            f"no mail came within {seconds} s: {len(mails)} to the address so far, waited for one after {after}"
        )
        return mails[after]

    def wait_for_link(self, address: str, page: str, *, after: int = 0) -> str:
        """The first link to this page in a mail to the address that follows the first `after` ones, whatever others come before it."""

        def come() -> str | None:
            links = (link for mail in self.to(address)[after:] for link in mail.links)
            return next((link for link in links if urlsplit(link).path == page), None)

        return until(f"a link to {page} comes", come)

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=20)
        self._loop.close()
