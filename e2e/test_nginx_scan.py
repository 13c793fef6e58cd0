"""What scanners find in the Nginx of deploy/nginx: sslyze in how it encrypts, gixy in its configuration. They find nothing; an
exception would stand in EXPLAINED, and in deploy/nginx/README.md with its reason."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sslyze
from cryptography import x509
from sslyze import ScanCommand
from sslyze.mozilla_tls_profile import tls_config_checker as mozilla

from harness import nginx
from harness.nginx import HOST, SITE_HOST, Authority, Nginx
from harness.server import Stage
from harness.waiting import until

pytestmark = [
    pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed"),
    # Of an old root in the lists that sslyze brings along.
    pytest.mark.filterwarnings("ignore:Parsed a serial number"),
]

# Findings that stay, each with its reason.
EXPLAINED: dict[str, str] = {}
LINT_SECONDS = 60


class StrictAuthority(Authority):
    """sslyze builds the chain by the rules of browsers, which want to read in a certificate which keys are meant, and what for."""

    def _sign(self, name: x509.Name, key: Any, *extensions: x509.ExtensionType) -> x509.Certificate:
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        authority = any(isinstance(extension, x509.BasicConstraints) and extension.ca for extension in extensions)
        usage = x509.KeyUsage(True, False, False, False, False, authority, authority, False, False)  # noqa: FBT003
        return super()._sign(name, key, own, issuer, usage, *extensions)


def set_up(stage: Stage) -> Nginx:
    """Nginx before nobody, not started yet, with a certificate that has a responder."""
    made = Nginx(stage.new_folder(), ["127.0.0.1:9"], FRONT_STAPLING="on")
    made.authority.close()
    made.authority = StrictAuthority(made.folder)
    made.authority.issue(HOST, SITE_HOST)
    return made


@pytest.fixture(scope="module")
def alone(stage: Stage) -> Iterator[Nginx]:
    with set_up(stage) as made:
        made.start()
        yield made


# Encryption


def scan(server: Nginx, host: str, *commands: ScanCommand) -> tuple[sslyze.ServerScanResult, dict[ScanCommand, Any]]:
    """Everything that sslyze can find out, or what is named; the whole, and what each command came to."""
    asked = set(commands or ScanCommand)
    trusts = sslyze.CertificateInfoExtraArgument(custom_ca_file=server.authority.path)
    place = sslyze.ServerNetworkLocation(hostname=host, port=server.https_port, ip_address="127.0.0.1")
    scanner = sslyze.Scanner()
    arguments = sslyze.ScanCommandsExtraArguments(certificate_info=trusts)
    scanner.queue_scans([sslyze.ServerScanRequest(place, scan_commands=asked, scan_commands_extra_arguments=arguments)])
    (found,) = scanner.get_results()
    assert found.scan_result, found.connectivity_error_trace
    attempts = {command: getattr(found.scan_result, command.value) for command in asked}
    for command, attempt in attempts.items():
        assert attempt.status == sslyze.ScanCommandAttemptStatusEnum.COMPLETED, f"{command}: {attempt.error_reason}"
    return found, {command: attempt.result for command, attempt in attempts.items()}


def mozilla_issues(found: sslyze.ServerScanResult) -> dict[str, str]:
    """How it is less strict than Mozilla's intermediate profile: versions, suites, curves, certificate, and the attacks that have
    names."""
    profile = mozilla.MozillaTlsConfiguration.get(mozilla.TlsConfigurationEnum.MOZILLA_INTERMEDIATE)
    try:
        mozilla.check_server_against_tls_configuration(found, profile)
    except mozilla.ServerNotCompliantWithTlsConfiguration as error:
        return error.issues
    return {}


def findings(server: Nginx, host: str = HOST) -> dict[str, str]:
    """All that sslyze would give a grade for, by kind."""
    found, results = scan(server, host)
    oracle = results[ScanCommand.ROBOT].robot_result
    tickets = results[ScanCommand.SESSION_RESUMPTION].tls_ticket_resumption_result
    hsts = results[ScanCommand.HTTP_HEADERS].strict_transport_security_header
    (deployed,) = results[ScanCommand.CERTIFICATE_INFO].certificate_deployments
    more = {
        "robot": oracle.value if not oracle.name.startswith("NOT_VULNERABLE") else "",
        "renegotiation": results[ScanCommand.SESSION_RENEGOTIATION].is_vulnerable_to_client_renegotiation_dos,
        "early_data": results[ScanCommand.TLS_1_3_EARLY_DATA].supports_early_data,
        "tickets": tickets.value if tickets != sslyze.TlsResumptionSupportEnum.NOT_SUPPORTED else "",
        "hsts": "" if hsts and (hsts.max_age or 0) >= 63_072_000 and hsts.include_subdomains else repr(hsts),
        "chain": "" if deployed.received_chain_has_valid_order else "the certificates are not in order",
        "sha1": deployed.verified_chain_has_sha1_signature,
    }
    return mozilla_issues(found) | {kind: str(said) for kind, said in more.items() if said}


@pytest.mark.parametrize("host", [HOST, SITE_HOST])
def test_r220_a_scanner_of_tls_finds_nothing(alone: Nginx, host: str) -> None:
    assert {kind: said for kind, said in findings(alone, host).items() if kind not in EXPLAINED} == {}


def test_the_stapled_answer_of_the_responder_is_trusted(alone: Nginx) -> None:
    def stapled() -> bool | None:
        _, found = scan(alone, HOST, ScanCommand.CERTIFICATE_INFO)
        return found[ScanCommand.CERTIFICATE_INFO].certificate_deployments[0].ocsp_response_is_trusted

    # Nginx asks the responder when the first client comes.
    assert until("the answer of the responder is stapled", stapled) is True


def test_the_scanner_finds_what_is_weak(stage: Stage) -> None:
    """Nothing found is worth something only where something would be found."""
    with set_up(stage) as made:
        tls = made.folder / "usher" / "tls.conf"
        suites = next(line for line in tls.read_text().splitlines() if line.startswith("ssl_ciphers"))
        made.edit("usher/tls.conf", suites, "ssl_ciphers ALL:@SECLEVEL=0;\nssl_early_data on;")
        made.edit("usher/tls.conf", "ssl_protocols TLSv1.2 TLSv1.3;", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;")
        made.edit("usher/tls.conf", "secp384r1;", "secp384r1:secp521r1;")
        made.edit("usher/tls.conf", "ssl_session_tickets off;", "ssl_session_tickets on;")
        made.edit("usher/headers.conf", "max-age=63072000", "max-age=600")
        made.start()
        found = findings(made)
    assert set(found) == {"tls_versions", "ciphers", "tls_curves", "tickets", "early_data", "hsts"}
    assert "TLSv1.1" in found["tls_versions"]


# The configuration


def lint(server: Nginx) -> dict[str, str]:
    """What gixy says of the configuration that was rendered, by the name of its check."""
    command = [Path(sys.executable).parent / "gixy", "--format", "json", server.folder / "nginx.conf"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LINT_SECONDS, check=False)
    assert "rror" not in ended.stderr, ended.stderr
    return {f"gixy {issue['plugin']}": f"{issue['severity']}: {issue['reason']}{issue['config']}" for issue in json.loads(ended.stdout)}


@pytest.mark.parametrize("brotli", [False, True])
def test_a_linter_finds_nothing_in_the_configuration(stage: Stage, brotli: bool) -> None:
    with set_up(stage) as made:
        if brotli:
            made.with_brotli()
        assert {name: said for name, said in lint(made).items() if name not in EXPLAINED} == {}


@pytest.mark.parametrize(
    ("name", "old", "new", "check"),
    [
        ("conf.d/usher.conf", "proxy_pass http://usher;", "proxy_pass http://$http_host;", "ssrf"),
        ("usher/proxy.conf", "Host $host;", "Host $http_host;", "host_spoofing"),
        ("conf.d/usher.conf", "301 ${FRONT_URL}$request_uri", "301 ${FRONT_URL}$uri", "http_splitting"),
        ("conf.d/usher.conf", "location ^~ /.front/pages/", "location ^~ /.front/pages", "alias_traversal"),
        ("usher/tls.conf", "ssl_protocols TLSv1.2", "ssl_protocols TLSv1", "weak_ssl_tls"),
    ],
)
def test_the_linter_finds_a_slip(stage: Stage, name: str, old: str, new: str, check: str) -> None:
    with set_up(stage) as made:
        made.edit(name, *(text.replace("${FRONT_URL}", made.url) for text in (old, new)))
        assert f"gixy {check}" in lint(made)
