"""The files for Docker, as far as they can be checked without it; `cargo xtask docker-test` starts them for real."""

import re
import ssl
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
INIT_SECRETS = DEPLOY / "init-secrets"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def init_secrets(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([INIT_SECRETS, *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("init") / "secrets"
    ended = init_secrets("--host", "users.example.org", folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_secret_of_compose_is_made_and_no_other(compose: dict[str, Any], secrets: Path) -> None:
    named = {secret["file"].rpartition("/")[2] for secret in compose["secrets"].values()}
    assert named == set(content(secrets)) - {".gitignore"}


def test_only_the_owner_can_enter_the_folder_of_the_secrets(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert content(secrets)[".gitignore"] == "*\n"


def test_secrets_are_never_overwritten(secrets: Path) -> None:
    before = content(secrets)
    ended = init_secrets(secrets)
    assert ended.returncode == 1 and "nothing was changed" in ended.stderr
    assert content(secrets) == before


def test_secrets_differ_each_time(secrets: Path, tmp_path: Path) -> None:
    assert init_secrets(tmp_path / "others").returncode == 0
    ours, others = content(secrets), content(tmp_path / "others")
    same = {name for name in ours if ours[name] == others[name]}
    assert same == {".gitignore", "smtp-url"}
    assert ours["app-password"].strip() in ours["app-database-url"]
    assert len({ours[f"{name}-password"] for name in ("postgres", "owner", "app")}) == 3


def test_the_certificate_is_for_the_host_that_was_named(secrets: Path) -> None:
    certificate = x509.load_pem_x509_certificate((secrets / "tls-certificate.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["users.example.org"]
    # Fails when the key is another's.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(secrets / "tls-certificate.pem", secrets / "tls-key.pem")


@pytest.mark.parametrize("host", ["", "a b", "x;y", "$(id)", "a,DNS:b"])
def test_what_is_no_host_is_refused(tmp_path: Path, host: str) -> None:
    ended = init_secrets("--host", host, tmp_path / "secrets")
    assert ended.returncode == 2 and not (tmp_path / "secrets").exists()


def test_every_container_is_confined(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"] and service["cpus"] and service["pids_limit"], name
        # The image of usher names a user itself.
        assert "build" in service or service["user"] not in ("root", "0"), name


def test_only_nginx_is_published_to_others(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert set(published) == {"nginx", "mail"}
    assert all(port.startswith("127.0.0.1:") for port in published["mail"])
    assert compose["services"]["mail"]["profiles"] == ["mail"]
    assert compose["networks"]["database"]["internal"] is True
    assert compose["services"]["postgres"]["networks"] == ["database"]


def test_no_value_is_a_secret(compose: dict[str, Any]) -> None:
    """Passwords and keys come from files: a variable could be seen with `docker inspect`."""
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            secret = re.search("PASSWORD|SECRET|KEY|DATABASE_URL|SMTP_URL|TOKEN", variable)
            assert not secret or (variable.endswith("_FILE") and value.startswith("/run/secrets/")), f"{name}: {variable}"


def test_images_and_what_differs_are_variables(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[^}]+\}", service["image"]), name
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    bases = set(re.findall(r"^FROM (?:--platform=\S+ )?(\S+)", dockerfile, re.M))
    assert bases == {"${RUST_IMAGE}", "scratch"}


def test_the_readme_names_every_variable(compose: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{([A-Z0-9_]+):-", (DEPLOY / "compose.yaml").read_text()))
    readme = (DEPLOY / "README.md").read_text()
    assert {name for name in used if f"`{name}`" not in readme} == set()
