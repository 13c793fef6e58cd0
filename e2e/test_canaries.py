"""A secret of every kind is used as it is meant to be and in every wrong way; then it is looked for where it must not be:
in the log, in the metrics, in failures, and in a dump of the database, as it is and encoded (R-262)."""

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from harness import canary, database, totp
from harness.canary import new_address, new_password, unique
from harness.client import Bearer, Client
from harness.faces import form_token
from harness.mailbox import Mailbox, token_of
from harness.people import Newcomer, Person, Site
from harness.purposes import PURPOSES
from harness.server import Stage, Usher
from harness.waiting import until

VERBOSE = "debug,usher=trace"
IN_COOKIES = re.compile("=(ush_[a-z_]+_[A-Za-z0-9_-]{43});")


@dataclass
class Found:
    """The places that outsiders, operators and thieves see."""

    log: str = ""
    metrics: str = ""
    dump: str = ""
    failures: list[str] = field(default_factory=list)


def assert_no_canary(found: Found, since: int) -> None:
    """Fails if a secret is to be seen anywhere; those noted since that moment are looked for in every encoding."""
    leaks = {
        "the log": canary.leaks(found.log, encoded_since=since),
        "the metrics": canary.leaks(found.metrics, encoded_since=since),
        "failures": canary.leaks("\n".join(found.failures), encoded_since=since),
        # The database knows people's addresses.
        "the database": canary.leaks(found.dump, addresses=False, encoded_since=since),
    }
    told = [f"{len(lines)} in {place}, such as {lines[0]}" for place, lines in leaks.items() if lines]
    assert not told, f"R-262: secrets can be seen: {'; '.join(told)}"


def assert_walked(since: int) -> None:
    """Fails if there is a kind of bearer secret that was not there since that moment."""
    noted = canary.noted(since)
    missing = [name for name, beginning in PURPOSES.items() if not any(secret.startswith(beginning) for secret in noted)]
    assert not missing, f"the walk has met no secret for {missing}: have it meet one"


@dataclass
class Walk:
    """One server's life with every secret."""

    usher: Usher
    site: Site
    failures: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, *, by: Client | None = None, **options: Any) -> httpx.Response:
        """A request that may well fail; what it fails with is kept."""
        answer = (by or self.site.anonymous).request(method, path, may_be_unavailable=True, **options)
        if answer.status_code >= 400:
            self.failures.append(answer.text)
        for value in answer.headers.get_list("set-cookie"):
            self.cookies += [canary.note(secret, "a cookie") for secret in IN_COOKIES.findall(value)]
        return answer

    def use(self, path: str, token: str, **members: Any) -> None:
        """A one-time token: wrong, right and once more."""
        for value in (f"{token}x", token, token):
            self.ask("POST", path, json={"token": value, **members})

    def set_up(self) -> None:
        """The setup token, wrong and right, and once more."""
        token = canary.note(self.usher.cli("setup-token").stdout.strip(), "a setup token")
        body = {"token": token, "email": new_address(), "password": new_password()}
        self.ask("POST", "/v1/setup", json=body | {"token": f"{token}x"})
        self.ask("POST", "/v1/setup", json=body, headers={"Idempotency-Key": unique("key")})
        self.ask("POST", "/v1/setup", json=body)
        self.site.adopt_admin(body["email"], body["password"])

    def register(self) -> Newcomer:
        """Passwords and the token of the first link; the answer is kept under a key, and asked for twice."""
        newcomer = Newcomer()
        body = {"email": newcomer.email, "password": newcomer.password}
        headers = {"Idempotency-Key": unique("key")}
        for changed in (body, body, body | {"password": new_password()}):
            self.ask("POST", "/v1/register", json=changed, headers=headers)
        self.ask("POST", "/v1/register", json=body | {"password": canary.PASSWORD_MARK})
        self.ask("POST", "/v1/register", json=body | {"role": new_password()})
        token = self.site.mailbox.wait_for(newcomer.email).token
        self.ask("GET", "/verify", params={"token": token})
        self.ask("POST", "/v1/verify-email", json={"token": f"{token}x"})
        self.ask("POST", "/v1/password/reset", json={"token": token, "password": new_password()})
        self.ask("POST", "/v1/verify-email", json={"token": token, "password": new_password()})
        for _ in range(2):
            self.ask("POST", "/v1/verify-email", json={"token": token, "password": newcomer.password})
        return newcomer

    def sign_in(self, newcomer: Newcomer) -> None:
        """Passwords right and wrong, whole and broken; access and refresh tokens, used and used again."""
        right = {"identifier": newcomer.email, "password": newcomer.password}
        wrong = right | {"password": new_password()}
        for body in (wrong, {"identifier": [newcomer.email], "password": {"x": new_password()}}):
            self.ask("POST", "/v1/login", json=body)
        broken = json.dumps(right)[:-1]
        self.ask("POST", "/v1/login", content=broken, headers={"Content-Type": "application/json"})
        self.ask("POST", "/v1/login", content=broken, headers={"Content-Type": "text/plain"})
        self.ask("POST", "/v1/login", params=right)
        tokens = self.ask("POST", "/v1/login", json=right).json()
        renewed = self.ask("POST", "/v1/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
        client = Bearer(self.site.base_url, renewed["access_token"])
        self.ask("PATCH", "/v1/me", by=client, json={"bio": 5, "password": new_password()})
        self.ask("GET", "/v1/users", by=client)
        self.ask("GET", "/v1/me", params={"access_token": tokens["access_token"]})
        for value in (f"Bearer {renewed['access_token']}x", f"Basic {new_password()}", f"Bearer {renewed['refresh_token']}"):
            self.ask("GET", "/v1/me", headers={"Authorization": value, "Cookie": f"session={new_password()}"})
        self.ask("POST", "/v1/refresh", json={"refresh_token": tokens["refresh_token"]})
        self.ask("POST", "/v1/refresh", json={"refresh_token": renewed["refresh_token"]})

    def recover(self, newcomer: Newcomer) -> None:
        """The tokens of the other links, by program and by page, and passwords in forms."""
        mail = self.site.forgot(newcomer.email)
        self.ask("GET", "/reset-password", params={"token": mail.token})
        self.ask("POST", "/reset-password", data={"token": mail.token, "password": "short"})
        self.ask("POST", "/v1/password/reset", json={"token": mail.token, "password": newcomer.email})
        newcomer.password = new_password()
        self.ask("POST", "/reset-password", data={"token": mail.token, "password": newcomer.password})
        self.ask("POST", "/v1/password/reset", json={"token": mail.token, "password": new_password()})
        invited = new_address()
        self.site.create(email=invited)
        welcome = self.site.mailbox.wait_for(invited).token
        self.ask("POST", "/v1/password/reset", json={"token": welcome, "password": new_password()})
        # One that is never used waits in the database.
        self.site.create(email=new_address())

    def follow_links(self) -> None:
        """The tokens of mails about a new address, a strange device and a deletion. One of each stays unused."""
        for is_used in (True, False):
            address = new_address()
            self.ask("POST", "/v1/me/emails", by=self.site.person().api, json={"email": address})
            found = {"/v1/me/emails/confirm": self.site.mailbox.wait_for(address).token}
            someone, before = self.newcomer()
            stranger = Client(self.site.base_url, headers={"User-Agent": unique("program")})
            self.ask("POST", "/v1/login", by=stranger, json={"identifier": someone.email, "password": someone.password})
            found["/v1/report-sign-in"] = self.site.mailbox.wait_for(someone.email, after=before).token
            someone, before = self.newcomer()
            self.ask("DELETE", "/v1/me", by=someone.api)
            found["/v1/undo-deletion"] = self.site.mailbox.wait_for(someone.email, after=before).token
            for path, token in found.items() if is_used else ():
                self.use(path, token)

    def newcomer(self) -> tuple[Person, int]:
        """Somebody, and how many mails they have."""
        someone = self.site.person()
        return someone, len(self.site.mailbox.to(someone.email))

    def invite(self) -> None:
        """The tokens of invitations, mailed and handed over."""
        admin, address = self.site.admin.api, new_address()
        self.ask("POST", "/v1/invitations", by=admin, json={"email": address})
        token = self.site.mailbox.wait_for(address).token
        self.ask("GET", "/invitation", params={"token": token})
        self.use("/v1/invitations/accept", token, password=new_password())
        body, headers = {"email": new_address(), "delivery": "link"}, {"Idempotency-Key": unique("key")}
        made = [self.ask("POST", "/v1/invitations", by=admin, json=body, headers=headers).json() for _ in range(2)][0]
        self.use("/v1/verify-email", token_of(made["link"]), password=new_password())

    def bind(self) -> None:
        """The secret of an app, recovery codes, the handle between the factors, a trusted device, and a passkey's challenge."""
        someone = self.site.person()
        secret = self.ask("POST", "/v1/me/second-factors/totp", by=someone.api).json()["secret"]
        canary.note(base64.b32decode(secret).hex(), "the secret of an app")
        app = totp.App(secret)
        self.ask("POST", "/v1/me/second-factors/totp/confirm", by=someone.api, json={"code": app.wrong()})
        bound = self.ask("POST", "/v1/me/second-factors/totp/confirm", by=someone.api, json={"code": app.code()}).json()
        codes = bound["recovery_codes"]
        for code in codes:
            canary.note(re.sub("[^A-Za-z0-9]", "", code), "a recovery code")
        body = {"identifier": someone.email, "password": someone.password}
        # The second one is never used.
        pending, _ = [self.ask("POST", "/v1/login", json=body).json()["pending_token"] for _ in range(2)]
        for token, code in ((f"{pending}x", codes[0]), (pending, app.wrong()), (pending, codes[0]), (pending, codes[1])):
            shown = {"pending_token": token, "code": code, "trust_device": True}
            self.ask("POST", "/v1/login/second-factor", json=shown)
        self.ask("GET", f"/v1/users/{codes[2]}", by=self.site.admin.api, params={"q": secret, "code": codes[3]})
        self.ask("GET", "/v1/me", headers={"Authorization": f"Bearer {pending}", "Cookie": f"pending={pending}"})
        asked, _ = [self.ask("POST", "/v1/login/passkey/options", json={}).json() for _ in range(2)]
        for _ in range(2):
            answer = {"ceremony": asked["ceremony"], "credential": {"id": unique("passkey")}}
            self.ask("POST", "/v1/login/passkey", json=answer)

    def browse(self) -> None:
        """What a browser keeps of a visitor, a session and a device; each is shown where it does not belong, too."""
        someone, browser = self.site.person(), Client(self.site.base_url)
        form = {"form_token": form_token(self.ask("GET", "/sign-in", by=browser).text)}
        form |= {"identifier": someone.email, "password": someone.password}
        assert self.ask("POST", "/sign-in", by=browser, data=form).status_code == 303
        assert self.ask("GET", "/account", by=browser).status_code == 200
        for value in self.cookies.copy():
            self.ask("GET", "/v1/whoami", headers={"Authorization": f"Bearer {value}", "Cookie": f"session={value}"})
            self.ask("POST", "/v1/refresh", json={"refresh_token": value})
            self.ask("GET", f"/v1/users/{value}", by=self.site.admin.api, params={"cursor": value})

    def automate(self) -> None:
        """API keys of a person and of a service account: made twice under a key, shown where they belong and where not."""
        admin = self.site.admin.api
        body = {"name": unique("robot"), "permissions": ["users:read"]}
        account = self.ask("POST", "/v1/service-accounts", by=admin, json=body).json()["id"]
        headers = {"Idempotency-Key": unique("key")}
        for path in ("/v1/me/api-keys", f"/v1/service-accounts/{account}/keys"):
            made = [self.ask("POST", path, by=admin, json=body, headers=headers).json() for _ in range(2)][1]
            self.ask("POST", path, by=admin, json={"name": 5, "key": made["key"]})
            self.ask("POST", path, by=admin, json={"name": made["key"], "permissions": [made["key"]]})
            self.ask("GET", path, by=admin)
            self.show(made["key"])
            self.ask("DELETE", f"{path}/{made['key']}", by=admin)
            # One of each stays in the database.
            self.ask("POST", path, by=admin, json=body)
            self.ask("DELETE", f"{path}/{made['id']}", by=admin)
            self.ask("GET", "/v1/users", by=Bearer(self.site.base_url, made["key"]))

    def show(self, key: str) -> None:
        """A good API key, in the one header and elsewhere."""
        program = Bearer(self.site.base_url, key)
        for path in ("/v1/whoami", "/v1/users", "/v1/roles", "/v1/me", f"/v1/users/{key}", f"/v1/service-accounts/{key}"):
            self.ask("GET", path, by=program)
        self.ask("POST", "/v1/users", by=program, json={"email": key})
        self.ask("GET", "/v1/whoami", params={"access_token": key, "api_key": key})
        self.ask("GET", "/v1/users", by=program, params={"q": key, "cursor": key, "nonsense": key})
        headers = {"Cookie": f"key={key}", "X-Api-Key": key, "Referer": f"https://example.org/{key}"}
        self.ask("GET", "/v1/whoami", headers=headers)
        for value in (f"Bearer {key}x", f"Bearer {key[:-1]}=", f"Basic {key}", f"Token {key}", key):
            self.ask("GET", "/v1/whoami", headers={"Authorization": value})
        self.ask("POST", "/v1/refresh", json={"refresh_token": key})
        self.ask("POST", "/v1/verify-email", json={"token": key, "password": new_password()})
        self.ask("GET", "/reset-password", params={"token": key})

    def stray(self, newcomer: Newcomer) -> None:
        """Secrets where they do not belong."""
        admin = self.site.admin.api
        token = self.site.forgot(newcomer.email).token
        self.ask("GET", f"/v1/users/{new_password()}", by=admin, params={"q": newcomer.email, "access_token": token})
        self.ask("GET", f"/{new_password()}/{new_address()}")
        self.ask("GET", "/v1/me", headers={"Referer": f"https://example.org/?token={token}", "User-Agent": unique("agent")})
        self.ask("GET", "/v1/me", headers={"X-Request-Id": new_password(), "X-Forwarded-For": new_password()})
        self.ask("GET", "/v1/users", by=admin, params={"q": newcomer.email, "nonsense": new_password()})
        self.ask("POST", "/v1/users", by=admin, json={"email": newcomer.email})
        self.ask("POST", "/v1/users", by=admin, json={"email": f"{new_password()}@{new_password()}"})
        self.ask("PUT", f"/v1/users/{token}/roles", by=admin, json={"roles": [new_password()]})

    def whole(self) -> None:
        self.set_up()
        newcomer = self.register()
        self.sign_in(newcomer)
        self.recover(newcomer)
        self.follow_links()
        self.invite()
        self.bind()
        self.browse()
        self.automate()
        self.stray(newcomer)

    def metrics(self) -> str:
        return self.site.anonymous.get("/metrics", expect=200).text


@contextmanager
def walked(usher: Usher, mailbox: Mailbox) -> Iterator[Walk]:
    """A server with its life behind it, all of it in the log."""
    # Passkeys belong to a name.
    usher.settings["USHER_PUBLIC_URL"] = f"http://localhost:{usher.port}"
    usher.start()
    walk = Walk(usher, Site(usher.base_url, mailbox))
    walk.whole()
    last = walk.site.anonymous.get("/v1/me").headers["x-request-id"]
    until("the last request is logged", lambda: last in usher.log())
    yield walk


@pytest.mark.parametrize("log_format", ["human", "json"])
def test_r262_no_secret_can_be_seen_anywhere(
    new_server: Callable[..., Usher], mailbox: Mailbox, log_format: str
) -> None:
    """With everything logged that can be, and every secret of the configuration too. In the end the database goes away."""
    since = canary.moment()
    host = new_server(mail=False)
    database_password, smtp_password = new_password(), new_password()
    key = lambda kind: canary.note(base64.b64encode(secrets.token_bytes(32)).decode(), kind)  # noqa: E731
    url = database.create(host.data_dir, "canaries", database_password)
    usher = new_server(
        start=False,
        USHER_LOG_FORMAT=log_format,
        USHER_LOG_LEVEL=VERBOSE,
        USHER_DATABASE_URL=url,
        USHER_MIGRATE="true",
        USHER_SECRET_KEY=key("the secret key"),
        USHER_SECRET_KEY_PREVIOUS=key("the secret key of before"),
        USHER_PASSWORD_PEPPER=key("the pepper"),
        USHER_PASSWORD_PEPPER_PREVIOUS=key("the pepper of before"),
        USHER_AUDIT_KEY=key("the audit key"),
        USHER_SMTP_URL=f"smtp://sender:{smtp_password}@127.0.0.1:{mailbox.port}?tls=none",
    )
    with walked(usher, mailbox) as walk:
        dump = database.dump(host.data_dir, "canaries")
        assert walk.site.admin.email in dump, "this is the database that was used"
        assert host.stop() == 0
        body = {"identifier": walk.site.admin.email, "password": walk.site.admin.password}
        assert walk.ask("POST", "/v1/login", json=body).status_code == 503
        metrics = walk.metrics()
        assert "usher_sign_ins_total" in metrics
        usher.stop()
    assert len(walk.failures) > 20
    assert_walked(since)
    assert_no_canary(Found(usher.log(), metrics, dump, walk.failures), since)


def test_r262_every_encoding_of_a_secret_is_found() -> None:
    since = canary.moment()
    token = canary.note(f"ush_reset_{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip('=')}")
    raw = base64.urlsafe_b64decode(token.removeprefix("ush_reset_") + "=")
    kept = {
        "as it is": f"token={token}&x=1",
        "hex of the text": token.encode().hex(),
        "hex of the bytes": f"\\x00{raw.hex()}",
        "base64 of the text": base64.b64encode(f'{{"t":"{token}"}}'.encode()).decode(),
        "base64 of the bytes": base64.b64encode(b"x" + raw + b"yz").decode(),
        "base64url of the bytes": base64.urlsafe_b64encode(b"xy" + raw).decode(),
        "a password": f"-{new_password()}-",
        "a password in hex": new_password().encode().hex(),
        "a password in base64": base64.b64encode(new_password().encode()).decode(),
    }
    for how, text in kept.items():
        assert canary.leaks(text, encoded_since=since), how
    assert canary.leaks("nothing of that kind", encoded_since=since) == []


# These tests can fail


PLANTED = {
    "canary_in_log": "the log, such as a password",
    "canary_in_error": "failures, such as a password",
    "canary_in_dump": "the database, such as .* in another encoding",
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_leak_is_found(faulty_stage: Stage, mailbox: Mailbox, fault: str) -> None:
    since = canary.moment()
    usher = faulty_stage.usher(USHER_PLANTED_FAULT=fault, USHER_LOG_FORMAT="human")
    try:
        with walked(usher, mailbox) as walk:
            found = Found(usher.log(), walk.metrics(), database.dump(usher.data_dir), walk.failures)
        with pytest.raises(AssertionError, match=f"secrets can be seen: [0-9]+ in {PLANTED[fault]}"):
            assert_no_canary(found, since)
    finally:
        usher.remove()
