"""The command line, beside a running server."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness import database
from harness.canary import PASSWORD_MARK, new_address, new_password, unique
from harness.client import problem
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Stage, Usher
from harness.waiting import until

COMMANDS = [
    ["serve"],
    ["worker"],
    ["migrate"],
    ["migrate", "status"],
    ["upgrade"],
    ["upgrade", "check"],
    ["backup"],
    ["restore"],
    ["setup-token"],
    ["user"],
    ["user", "create"],
    ["user", "list"],
    ["user", "show"],
    ["user", "history"],
    ["user", "sign-ins"],
    ["user", "permissions"],
    ["user", "suspend"],
    ["user", "reactivate"],
    ["user", "delete"],
    ["user", "set-role"],
    ["user", "reset-password"],
    ["service-account"],
    ["service-account", "create"],
    ["service-account", "create-key"],
    ["role"],
    ["role", "list"],
    ["role", "show"],
    ["role", "create"],
    ["role", "update"],
    ["role", "delete"],
    ["permission"],
    ["permission", "list"],
    ["permission", "holders"],
    ["group"],
    ["group", "show"],
    ["group", "update"],
    ["group", "delete"],
    ["group", "set-roles"],
    ["group", "set-parents"],
    ["group", "list-members"],
    ["bulk"],
    ["bulk", "start"],
    ["bulk", "results"],
    ["attributes"],
    ["attributes", "rename"],
    ["attributes", "remove"],
    ["import"],
    ["import", "pause"],
    ["analytics"],
    ["inactivity"],
    ["inactivity", "set"],
    ["inactivity", "run"],
    ["invitation"],
    ["invitation", "create"],
    ["invitation", "list"],
    ["invitation", "import"],
    ["job"],
    ["job", "list"],
    ["job", "retry"],
    ["job", "discard"],
    ["mail"],
    ["mail", "list"],
    ["mail", "show"],
    ["mail", "retry"],
    ["keys"],
    ["keys", "list"],
    ["keys", "rotate"],
    ["keys", "new-secret-key"],
    ["keys", "reseal"],
    ["audit"],
    ["audit", "verify"],
    ["audit", "export"],
    ["audit", "key"],
    ["password-filter"],
    ["password-filter", "build"],
    ["password-filter", "check"],
    ["config"],
    ["config", "check"],
    ["config", "print"],
    ["config", "docs"],
    ["openapi"],
    ["doctor"],
]


@pytest.fixture(scope="module")
def usher(stage: Stage) -> Iterator[Usher]:
    """A server of this module's own; the commands run beside it."""
    usher = stage.usher()
    try:
        usher.start()
        yield usher
    finally:
        usher.remove()


@pytest.fixture(scope="module")
def own_site(usher: Usher, mailbox: Mailbox) -> Site:
    site = Site(usher.base_url, mailbox)
    site.set_up(usher.setup_token())
    return site


def items(printed: Any) -> list[dict[str, Any]]:
    """A list, printed as such or as a page."""
    return printed["items"] if isinstance(printed, dict) else printed


# Help


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=lambda command: " ".join(command) or "usher")
def test_help_reads_well(usher: Usher, command: list[str]) -> None:
    told = usher.cli(*command, "--help").stdout
    assert "Usage: usher" in told
    first = told.strip().splitlines()[0]
    assert first and not first.startswith("Usage"), "it begins with what the command is for"
    assert "--password " not in told and "--password=" not in told, "no password on the command line"
    assert max(len(line) for line in told.splitlines()) <= 160


def test_help_names_every_command(usher: Usher) -> None:
    told = usher.cli("--help").stdout
    for command in {command[0] for command in COMMANDS}:
        assert re.search(rf"^\s+{command}\s", told, re.MULTILINE), command


def test_the_version_is_told(usher: Usher) -> None:
    assert re.fullmatch(r"usher \d+\.\d+\.\d+\S*", usher.cli("--version").stdout.strip())


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["user", "nonsense"],
        ["--nonsense"],
        ["user", "show"],
        ["serve", "extra"],
        ["user", "list", "--nonsense"],
    ],
)
def test_wrong_usage_ends_with_2(usher: Usher, arguments: list[str]) -> None:
    ended = usher.cli(*arguments, code=2)
    assert ended.stderr and not ended.stdout


# Users


def create(usher: Usher, email: str, password: str, *options: str) -> dict[str, Any]:
    return json.loads(
        usher.cli(
            "user", "create", "--email", email, "--password-stdin", *options, "--json", given=password + "\n"
        ).stdout
    )


def test_a_user_is_created_with_a_password_from_standard_input(usher: Usher, own_site: Site) -> None:
    email, password = new_address(), new_password()
    made = create(usher, email, password, "--username", unique("ann"))
    assert made["status"] == "active" and made["email"] == email
    me = own_site.enter(email, password)
    assert me.id == made["id"] and me.username == made["username"]


def test_an_administrator_can_be_created(usher: Usher, own_site: Site) -> None:
    email, password = new_address(), new_password()
    create(usher, email, password, "--role", "admin")
    own_site.enter(email, password).api.get("/v1/users", expect=200)


def test_r001_a_weak_password_is_refused(usher: Usher) -> None:
    short = f"{PASSWORD_MARK}9"
    ended = usher.cli("user", "create", "--email", new_address(), "--password-stdin", given=short, code=1)
    assert "15" in ended.stderr
    assert short not in ended.stderr + ended.stdout


IMPORTED = {
    "bcrypt": "$2b$04$SRfFoo4EXL8JtfF2LxleN.xtz0bTo9wNL7WnGFS9.VoD.0Ag1KOtG",
    "django": "pbkdf2_sha256$1000$NaClNaClNaCl$foFe3118lfYHdYVUYUq5eefVl+TkiaWQ59lHiUwTiT8=",
}


@pytest.mark.parametrize("hash_", IMPORTED.values(), ids=IMPORTED.keys())
def test_r009_a_user_comes_over_with_the_hash_of_another_program(usher: Usher, own_site: Site, hash_: str) -> None:
    email = new_address()
    usher.cli("user", "create", "--email", email, "--password-hash-stdin", given=hash_ + "\n")
    problem(own_site.login(email, new_password()), 401, "invalid_credentials")
    for _ in range(2):
        own_site.enter(email, "plum kettle orbit lantern")


@pytest.mark.parametrize(
    ("hash_", "reason"),
    [
        ("5f4dcc3b5aa765d61d8327deb882cf99", "no scheme"),
        ("", "no scheme"),
        ("$2b$04$SRfFoo4EXL8JtfF2LxleN", "bcrypt"),
        ("$2b$31$SRfFoo4EXL8JtfF2LxleN.xtz0bTo9wNL7WnGFS9.VoD.0Ag1KOtG", "costs more"),
        (
            "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAAAAAA"
            "$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
            "pepper",
        ),
    ],
    ids=["unknown", "empty", "damaged", "costly", "pepper"],
)
def test_r009_a_hash_that_can_not_be_verified_is_refused(usher: Usher, hash_: str, reason: str) -> None:
    email = new_address()
    ended = usher.cli("user", "create", "--email", email, "--password-hash-stdin", given=hash_, code=2)
    assert reason in ended.stderr and not ended.stdout
    assert not hash_ or hash_ not in ended.stderr
    usher.cli("user", "show", email, code=1)


def test_a_password_and_a_hash_together_are_a_mistake(usher: Usher) -> None:
    both = ["--password-stdin", "--password-hash-stdin"]
    usher.cli("user", "create", "--email", new_address(), *both, given="x", code=2)


def test_a_taken_address_is_an_error(usher: Usher, own_site: Site) -> None:
    ended = usher.cli(
        "user", "create", "--email", own_site.admin.email, "--password-stdin", given=new_password(), code=1
    )
    assert ended.stderr and not ended.stdout


def test_users_are_listed_and_shown(usher: Usher, own_site: Site) -> None:
    admin = own_site.admin
    listed = items(usher.json("user", "list"))
    assert admin.id in [one["id"] for one in listed]
    table = usher.cli("user", "list").stdout
    assert admin.username in table and admin.email in table
    for name in (admin.id, admin.username, admin.email):
        assert usher.json("user", "show", name)["id"] == admin.id
    shown = usher.cli("user", "show", admin.id).stdout
    assert admin.username in shown
    assert "argon2" not in shown + table


def test_what_the_command_line_changes_counts_at_once(usher: Usher, own_site: Site) -> None:
    someone = own_site.person()
    someone.api.get("/v1/me", expect=200)
    usher.cli("user", "suspend", someone.id)
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    assert usher.json("user", "show", someone.id)["status"] == "suspended"
    usher.cli("user", "reactivate", someone.id)
    session = someone.sign_in()
    usher.cli("user", "set-role", someone.id, "manager")
    session.get("/v1/users", expect=200)
    assert "manager" in usher.json("user", "show", someone.id)["roles"]
    usher.cli("user", "delete", someone.id)
    problem(session.get("/v1/me"), 401, "unauthorized")
    actions = own_site.admin.api.get("/v1/audit-events", params={"target_id": someone.id}, expect=200).json()["items"]
    assert any(event["actor_kind"] == "cli" for event in actions), "R-260"


def test_r013_resetting_a_password_mails_a_link(usher: Usher, own_site: Site, mailbox: Mailbox) -> None:
    someone = own_site.person()
    ended = usher.cli("user", "reset-password", someone.id)
    mail = mailbox.wait_for(someone.email, after=1)
    assert mail.token not in ended.stdout + ended.stderr
    password = new_password()
    own_site.anonymous.post("/v1/password/reset", json={"token": mail.token, "password": password}, expect=200)
    own_site.enter(someone.email, password)


def test_r203_the_last_administrator_stays_also_while_the_server_is_down(
    new_server: Callable[..., Usher], mailbox: Mailbox
) -> None:
    usher = new_server()
    admin = Site(usher.base_url, mailbox).set_up(usher.setup_token())
    for command in (["suspend", admin.id], ["delete", admin.id], ["set-role", admin.id, "user"]):
        assert usher.cli("user", *command, code=1).stderr
        assert "admin" in admin.api.get("/v1/me", expect=200).json()["roles"]
    assert usher.stop() == 0
    assert usher.cli("user", "suspend", admin.id, code=1).stderr
    assert usher.json("user", "show", admin.id)["status"] == "active"
    assert usher.postgres_pid() is None, "a command takes the PostgreSQL that it started down again"


@pytest.mark.parametrize("command", ["show", "suspend", "reactivate", "delete", "reset-password"])
def test_an_unknown_user_is_an_error(usher: Usher, command: str) -> None:
    for name in ("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", unique("nobody")):
        ended = usher.cli("user", command, name, code=1)
        assert ended.stderr.strip() and "panicked" not in ended.stderr


# Roles, keys, migrations


def test_roles_are_listed(usher: Usher) -> None:
    roles = {role["name"]: role for role in items(usher.json("role", "list"))}
    assert {"admin", "manager", "user"} <= set(roles)
    assert "users:read" in roles["manager"]["permissions"]
    assert "manager" in usher.cli("role", "list").stdout


def test_r130_keys_rotate_without_an_outage(usher: Usher, own_site: Site) -> None:
    session = own_site.person().api
    before = {key["kid"] for key in items(usher.json("keys", "list"))}
    usher.cli("keys", "rotate")
    after = {key["kid"] for key in items(usher.json("keys", "list"))}
    assert before < after
    assert "private" not in json.dumps(usher.json("keys", "list")).lower()

    def published() -> bool:
        keys = own_site.anonymous.get("/.well-known/jwks.json", expect=200).json()["keys"]
        return after <= {key["kid"] for key in keys}

    until("the server publishes the new key", published)
    session.get("/v1/me", expect=200)
    own_site.person().api.get("/v1/me", expect=200)


def test_migrations_are_applied_and_told(usher: Usher) -> None:
    status = usher.json("migrate", "status")
    assert "pending" in json.dumps(status) or "applied" in json.dumps(status)
    assert usher.cli("migrate", "status").stdout.strip()
    usher.cli("migrate")


def test_sent_mail_is_listed_without_its_body(usher: Usher, own_site: Site) -> None:
    newcomer = own_site.register()

    def sent() -> dict[str, Any] | None:
        mails = items(usher.json("mail", "list"))
        return next((one for one in mails if one["recipient"] == newcomer.email and one["status"] == "sent"), None)

    mail = until("the mail is sent", sent)
    assert "token=" not in usher.cli("mail", "show", mail["id"]).stdout


def test_jobs_that_were_given_up_are_listed_retried_and_discarded(usher: Usher) -> None:
    assert usher.cli("job", "list").stdout == "No job was given up.\n"
    columns = "(id, kind, payload, attempts, run_at, created_at, dead_at, last_error)"
    row = "(gen_random_uuid(), 'forget_mails', 'null', 12, now(), now(), now(), 'the disk was full')"
    database.sql(usher.data_dir, f"insert into jobs {columns} values {row}, {row}")
    one, another = items(usher.json("job", "list"))
    told = usher.cli("job", "list").stdout
    assert one["id"] in told and another["id"] in told and "the disk was full" in told
    # A worker does it now.
    assert usher.cli("job", "retry", one["id"], "--reason", "the disk is larger").stdout == "1 put back into the queue.\n"
    usher.cli("job", "discard", another["id"])
    events = database.sql(usher.data_dir, "select action, target_id from audit_events where action like 'job.%' order by id")
    assert events == [f"job.retried|{one['id']}", f"job.discarded|{another['id']}"]
    assert usher.cli("job", "list").stdout == "No job was given up.\n"
    until("the worker does it", lambda: one["id"] not in usher.cli("job", "list", "--waiting").stdout)
    for act in ("retry", "discard"):
        assert f"no job {another['id']} was given up: see `usher job list`" in usher.cli("job", act, another["id"], code=1).stderr


# Configuration and health


def test_a_good_configuration_is_said_to_be_good(usher: Usher) -> None:
    usher.cli("config", "check")


def test_a_bad_configuration_is_told_with_its_name(usher: Usher) -> None:
    ended = usher.cli("config", "check", code=2, USHER_NONSENSE="1")
    assert "USHER_NONSENSE" in ended.stderr + ended.stdout
    assert "USHER_NONSENSE" in usher.cli("user", "list", code=2, USHER_NONSENSE="1").stderr


def test_the_configuration_is_printed_with_its_secrets_masked(usher: Usher) -> None:
    secret = "smtp://kettle:zebra-lamp-meadow@127.0.0.1:2525?tls=none"
    printed = usher.cli("config", "print", USHER_SMTP_URL=secret).stdout
    assert f"USHER_LISTEN=127.0.0.1:{usher.port}" in printed
    assert "USHER_SMTP_URL" in printed
    assert "zebra" not in printed and "kettle" not in printed
    structured = usher.cli("config", "print", "--json", USHER_SMTP_URL=secret).stdout
    json.loads(structured)
    assert "zebra" not in structured


def test_the_configuration_is_documented(usher: Usher) -> None:
    printed = usher.cli("config", "docs").stdout
    for name in ("USHER_LISTEN", "USHER_PUBLIC_URL", "USHER_SECRET_KEY", "USHER_SMTP_URL"):
        assert name in printed


def test_the_doctor_finds_nothing_wrong(usher: Usher, own_site: Site) -> None:
    told = usher.cli("doctor").stdout
    assert told.strip()
    json.loads(usher.cli("doctor", "--json").stdout)


def test_r262_no_command_prints_a_password_or_a_key(usher: Usher, own_site: Site) -> None:
    printed = "".join(
        usher.cli(*command, code=None).stdout
        for command in (
            ["user", "list"],
            ["user", "show", own_site.admin.id],
            ["keys", "list"],
            ["config", "print"],
            ["doctor"],
        )
    )
    key = (usher.data_dir / "secret-key").read_text().strip()
    for secret in (PASSWORD_MARK, key, "argon2", "PRIVATE"):
        assert secret not in printed


def test_the_setup_token_is_gone_when_there_is_an_administrator(usher: Usher, own_site: Site) -> None:
    ended = usher.cli("setup-token", code=1)
    assert ended.stderr.strip()
