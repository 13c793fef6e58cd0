"""The twelve factors, as docs/twelve-factor.md claims them, where no other test shows one: processes beside each other
on one database, with the settings they are given and nothing else."""

import os
import re
import secrets
import stat
import subprocess
import tomllib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from harness import database
from harness.client import Bearer, Client
from harness.mailbox import Mailbox
from harness.metrics import told
from harness.people import Newcomer, Person, Site
from harness.postgres import Postgres
from harness.server import Stage, Usher, clean_environment, end_well, free_port
from harness.waiting import at_once, until

ROOT = Path(__file__).resolve().parent.parent
# What no setting takes, but for those that take any path, and the name of the service.
WRONG = {"a sign": "?", "nothing": ""}
ANY_TEXT = {"a sign": {"USHER_DATA_DIR", "USHER_AUDIT_CHECKPOINTS", "USHER_BRAND_NAME"}, "nothing": set()}
DOCUMENT = ROOT / "docs/twelve-factor.md"
FACTORS = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
LISTENS = "0A"
JOBS = "usher_jobs_total"


class Worker(Usher):
    """`usher worker`: what it serves is metrics and probes, at the address that the other commands listen at."""

    def __init__(self, stage: Stage, mailbox: Mailbox, **settings: str) -> None:
        super().__init__(stage._binary, stage.new_folder(), smtp_port=mailbox.port, **settings)
        self.settings["USHER_METRICS_LISTEN"] = self.address
        self.settings["USHER_LISTEN"] = f"127.0.0.1:{free_port()}"

    command = "worker"


@dataclass
class House:
    """Two processes that serve and do no after-work, two that do nothing else, on one database."""

    stage: Stage
    postgres: Postgres
    settings: dict[str, str]
    first: Usher
    second: Usher
    workers: tuple[Worker, Worker]
    site: Site
    someone: Person

    def names(self, name: str) -> str:
        """The URL of another database of the cluster, made now."""
        with self.postgres.connect("postgres") as owner:
            owner.execute(f"create database {name} owner usher")
        return self.postgres.url.replace("/usher?", f"/{name}?")


@pytest.fixture(scope="module")
def house(stage: Stage, mailbox: Mailbox) -> Iterator[House]:
    postgres = Postgres(stage.new_folder())
    settings = {
        "USHER_DATABASE_URL": postgres.url,
        # Five processes have to do with the connections of a small cluster, and wait for them on a busy machine.
        "USHER_DATABASE_POOL_SIZE": "2",
        "USHER_DATABASE_CONNECT_TIMEOUT_SECONDS": "20",
        "USHER_SECRET_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "USHER_RUN_WORKER": "false",
    }
    first = stage.usher(**settings)
    settings["USHER_PUBLIC_URL"] = first.base_url
    second = stage.usher(**settings)
    workers = (Worker(stage, mailbox, **settings), Worker(stage, mailbox, **settings))
    everybody = (first, second, *workers)
    try:
        first.cli("migrate")
        for usher in everybody:
            usher.start()
        site = Site(first.base_url, mailbox)
        site.set_up(first.cli("setup-token").stdout.strip())
        yield House(stage, postgres, settings, first, second, workers, site, site.person())
        end_well(everybody)
    finally:
        for usher in everybody:
            usher.remove()
        postgres.remove()


# The document


def test_the_document_names_tests_that_are_there() -> None:
    """Each as `module::test`: of this suite, or of a module of a crate."""
    rows = [line.strip("|").split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")][1:]
    assert [row[0].split(".")[0].strip() for row in rows] == FACTORS
    for factor, _, files, tests in rows:
        for path in re.findall(r"`([^`]+)`", files):
            assert (ROOT / path).exists(), (factor, path)
        names = re.findall(r"`([^`]+)`", tests)
        assert names, factor
        for name in names:
            module, _, test = name.rpartition("::")
            beside = ROOT / "crates/usher/src" / module.replace("::", "/")
            places = [ROOT / "e2e" / f"{module}.py", beside.with_suffix(".rs"), beside / "mod.rs"]
            texts = [place.read_text() for place in places if place.is_file()]
            assert any(re.search(rf"\b(def|fn) {test}\(", text) for text in texts), (factor, name)


# I, II: one codebase, and what it depends on


def test_i_the_program_is_the_version_of_the_codebase(usher_binary: Path) -> None:
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    told_version = subprocess.run([usher_binary, "--version"], capture_output=True, text=True, check=True).stdout
    assert told_version.split() == ["usher", version]


@pytest.mark.parametrize("lock", ["Cargo.lock", "fuzz/Cargo.lock"])
def test_ii_every_crate_is_locked_by_its_checksum(lock: str) -> None:
    """Only what lies in this repository has none."""
    packages = tomllib.loads((ROOT / lock).read_text())["package"]
    manifests = [*ROOT.glob("crates/*/Cargo.toml"), ROOT / "xtask/Cargo.toml", ROOT / "fuzz/Cargo.toml"]
    ours = {tomllib.loads(manifest.read_text())["package"]["name"] for manifest in manifests}
    unlocked = {package["name"] for package in packages if "checksum" not in package}
    assert packages and unlocked <= ours, unlocked - ours


def test_ii_images_are_built_of_what_is_locked() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    builds = re.findall(r"\bcargo (?:build|clean)\b[^&\n]*", dockerfile)
    assert builds and all("--locked" in build for build in builds), builds


def test_ii_with_a_database_it_needs_no_program_of_the_machine(house: House) -> None:
    """Not even a place to search for one, or a home."""
    environment = {"USHER_DATA_DIR": str(house.first.data_dir), **house.settings}
    ended = subprocess.run(
        [house.first.binary, "user", "list"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert house.someone.email in ended.stdout


# III: configuration


def settings_of(usher_binary: Path) -> list[str]:
    """Every variable there is."""
    page = subprocess.run([usher_binary, "config", "docs"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^\| `(USHER_[A-Z_]+)`", page, re.MULTILINE)
    assert len(names) == len(set(names)) > 30
    return names


@pytest.fixture(scope="module")
def bare(stage: Stage) -> Iterator[Usher]:
    """A server with nothing set but where it is: two of one machine can't have the same port and directory."""
    usher = stage.usher(mail=False)
    usher.settings = {name: usher.settings[name] for name in ("USHER_LISTEN", "USHER_DATA_DIR")}
    try:
        usher.start()
        yield usher
        assert usher.stop() == 0
    finally:
        usher.remove()


def test_iii_a_start_with_nothing_set_but_where_it_is_works(bare: Usher) -> None:
    assert Client(bare.base_url).get("/readyz", expect=200).json()["status"] == "ok"


def test_iii_where_it_is_has_a_default_too(usher_binary: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    printed = subprocess.run(
        [usher_binary, "config", "print"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    for name in ("USHER_LISTEN", "USHER_DATA_DIR"):
        assert re.search(rf"^{name}=\S+  # default$", printed, re.MULTILINE), printed


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_iii_a_start_with_every_variable_wrong_names_each_of_them(
    usher_binary: Path, tmp_path: Path, how: str, command: str
) -> None:
    names = settings_of(usher_binary)
    ended = subprocess.run(
        [usher_binary, command],
        env=clean_environment() | dict.fromkeys(names, WRONG[how]),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 2, (ended.returncode, ended.stderr)
    named = re.findall(r"^ *(USHER_[A-Z_]+): ", ended.stderr, re.MULTILINE)
    assert sorted(named) == sorted(set(names) - ANY_TEXT[how]), set(names) ^ set(named)
    assert list(tmp_path.iterdir()) == [], "it made something before it refused"


# IV: backing services


def test_iv_another_postgresql_is_another_url(house: House) -> None:
    """The people move by dump and restore; of the settings only the URL changes, and who was signed in still is."""
    refresh_token = house.someone.sign_in().refresh_token
    other = Postgres(house.stage.new_folder())
    usher = house.stage.usher(**house.settings)
    try:
        dump = run("pg_dump", "--no-owner", house.postgres.url)
        run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", other.url, given=dump)
        usher.settings["USHER_DATABASE_URL"] = other.url
        usher.start()
        renewed = Client(usher.base_url).post("/v1/refresh", json={"refresh_token": refresh_token}, expect=200).json()
        # Changed there, and not here.
        api = Bearer(usher.base_url, renewed["access_token"])
        api.patch("/v1/me", json={"display_name": "Moved"}, expect=200)
        moved = api.get("/v1/me", expect=200).json()
        assert (moved["id"], moved["email"]) == (house.someone.id, house.someone.email)
        assert house.someone.api.get("/v1/me", expect=200).json()["display_name"] != "Moved"
        assert usher.stop() == 0
    finally:
        usher.remove()
        other.remove()


def run(program: str, *arguments: str, given: str = "") -> str:
    """One of PostgreSQL's client programs."""
    command = [database.program(program), *arguments]
    ended = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


# V: build, release, run


def test_v_a_start_changes_no_schema_unless_it_is_told_to(house: House) -> None:
    """Migrating belongs to the release; without it `usher serve` refuses and says what is missing."""
    usher = house.stage.usher(**house.settings)
    usher.settings["USHER_DATABASE_URL"] = url = house.names("unmigrated")
    try:
        refused = usher.cli("serve", code=1)
        assert "usher migrate" in refused.stderr + refused.stdout
        with psycopg.connect(url) as connection:
            assert connection.execute("select to_regclass('users')").fetchone() == (None,)
        usher.cli("migrate")
        usher.start()
        assert usher.stop() == 0
    finally:
        usher.remove()


# VI: processes


@pytest.mark.parametrize("killed", ["first", "second"])
def test_vi_sessions_survive_at_the_other_when_either_process_is_killed(house: House, killed: str) -> None:
    """One session began at each of them."""
    gone: Usher = getattr(house, killed)
    left = house.second if gone is house.first else house.first
    body = {"identifier": house.someone.email, "password": house.someone.password}
    begun = [Client(usher.base_url).post("/v1/login", json=body, expect=200).json() for usher in (gone, left)]
    gone.kill()
    try:
        for tokens in begun:
            me = Bearer(left.base_url, tokens["access_token"]).get("/v1/me", expect=200).json()
            assert me["id"] == house.someone.id
            refresh = {"refresh_token": tokens["refresh_token"]}
            renewed = Client(left.base_url).post("/v1/refresh", json=refresh, expect=200)
            Bearer(left.base_url, renewed.json()["access_token"]).post("/v1/logout", expect=204)
    finally:
        gone.start()
    for tokens in begun:
        assert Bearer(gone.base_url, tokens["access_token"]).get("/v1/me").status_code == 401, "it has ended everywhere"


# VII: port binding


def listening(pid: int) -> set[str]:
    """The addresses at which a process takes TCP connections, as Linux tells them."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # A connection may be closed meanwhile.
        with suppress(FileNotFoundError):
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))
            sockets |= {found[1]} if found else set()
    addresses = set()
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            cells = line.split()
            if cells[3] == LISTENS and cells[9] in sockets:
                address, port = cells[1].split(":")
                # The kernel writes the four bytes as a number of the machine.
                bytes_ = reversed(bytes.fromhex(address)) if table == "tcp" else address
                addresses.add(f"{'.'.join(map(str, bytes_)) if table == 'tcp' else bytes_}:{int(port, 16)}")
    return addresses


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="it reads Linux's list of sockets")
def test_vii_each_process_binds_the_one_address_it_is_told_and_no_other(house: House) -> None:
    """It is the web server; nothing has to be put around it."""
    for usher in (house.first, house.second, *house.workers):
        assert usher.process
        assert listening(usher.process.pid) == {usher.address}
        assert httpx.get(f"{usher.base_url}/livez", trust_env=False).status_code == 200


# VIII: concurrency


def done(usher: Usher, kind: str) -> float:
    """How many jobs of a kind a process has done."""
    jobs = told(usher.base_url).get(JOBS)
    return sum(value for _, labels, value in jobs.samples if labels["kind"] == kind) if jobs else 0


def test_viii_web_and_worker_scale_apart_and_share_the_work(house: House, mailbox: Mailbox) -> None:
    """Either worker does what comes while the other is held still; of what comes to both, each job is done once."""
    webs, workers = (house.first, house.second), house.workers

    def jobs() -> list[float]:
        return [done(worker, "sign_up") for worker in workers]

    def sign_up(number: int) -> list[Newcomer]:
        sites = [Site(webs[index % 2].base_url, mailbox) for index in range(number)]
        return at_once([site.register for site in sites])

    everybody: list[Newcomer] = []
    at_first = jobs()
    for held, free in ((0, 1), (1, 0)):
        before = done(workers[free], "sign_up")
        with workers[held].held_still():
            newcomers = sign_up(2)
            for newcomer in newcomers:
                mailbox.wait_for(newcomer.email, seconds=60)
            until("it counted them", lambda free=free, before=before: done(workers[free], "sign_up") == before + 2)
        everybody += newcomers
    everybody += (many := sign_up(8))
    for newcomer in many:
        mailbox.wait_for(newcomer.email, seconds=60)
    until("all of them are counted", lambda: sum(jobs()) - sum(at_first) >= len(everybody))
    assert sum(jobs()) - sum(at_first) == len(everybody)
    assert {len(mailbox.to(newcomer.email)) for newcomer in everybody} == {1}
    for web in webs:
        metrics = told(web.base_url).get(JOBS)
        assert not metrics or not metrics.samples, "a process that serves did a job"


# X: the same in development and in production


def test_x_the_private_postgresql_and_one_of_ones_own_have_the_same_engine_and_schema(
    house: House, bare: Usher
) -> None:
    version = database.sql(bare.data_dir, "show server_version")[0]
    with house.postgres.connect() as owner:
        assert owner.execute("show server_version").fetchone() == (version,)
    own = definitions(run("pg_dump", house.postgres.url))
    assert any(line.startswith("CREATE TABLE") for line in own)
    assert definitions(database.dump(bare.data_dir)) == own


def definitions(dump: str) -> list[str]:
    """A dump without its rows, who owns what, and the word of its own that PostgreSQL writes into each."""
    rows = re.compile(r"^COPY .*?^\\\.$", re.MULTILINE | re.DOTALL)
    left_out = ("\\restrict", "\\unrestrict", "--", "SELECT pg_catalog.setval")
    lines = (line for line in rows.sub("", dump).splitlines() if line.strip() and " OWNER TO " not in line)
    return [line for line in lines if not line.startswith(left_out)]


# XI: logs


def test_xi_it_writes_to_standard_output_and_to_no_file(house: House) -> None:
    """With a home, a temporary and a data directory of its own, and sign-ups, failures and a stop to tell of."""
    usher = house.stage.usher(**house.settings)
    usher.settings["USHER_RUN_WORKER"] = "true"
    for name in ("HOME", "TMPDIR", "XDG_DATA_HOME"):
        (usher.folder / name).mkdir()
        usher.settings[name] = str(usher.folder / name)
    try:
        usher.start()
        site = Site(usher.base_url)
        site.register()
        assert site.login("nobody@example.org", "kettle-zebra-lamp").status_code == 401
        assert usher.process
        assert written_files(usher.process.pid) <= {usher.log_path, usher.errors_path}
        assert usher.stop() == 0
        files = {path for path in usher.folder.rglob("*") if not path.is_dir()}
        assert files == {usher.log_path, usher.errors_path}, files
        assert usher.errors_path.read_text() == ""
        assert len(list(usher.log_entries())) >= 2
    finally:
        usher.remove()


def written_files(pid: int) -> set[Path]:
    """The ordinary files that a process has open to write, where the system tells."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir() if Path(f"/proc/{pid}/fd").exists() else []:
        # One that is closed meanwhile was a connection: files are opened for long.
        with suppress(FileNotFoundError):
            flags = re.search(r"flags:\s+(\d+)", Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text())
            assert flags
            if stat.S_ISREG(descriptor.stat().st_mode) and int(flags[1], 8) & (os.O_WRONLY | os.O_RDWR):
                found.add(descriptor.resolve())
    return found


# XII: admin processes


def test_xii_commands_are_the_same_program_with_the_same_settings(house: House) -> None:
    """What one does beside the running processes counts at them at once."""
    someone = house.site.person()
    assert house.second.cli("user", "show", someone.email).stdout.count(someone.email)
    house.second.cli("user", "suspend", someone.email)
    for usher in (house.first, house.second):
        assert Bearer(usher.base_url, someone.api.bearer()).get("/v1/me").status_code == 401
