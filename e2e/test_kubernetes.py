"""deploy/kubernetes as kustomize renders it: Kubernetes takes it, usher takes it, and every name leads somewhere.

What only a cluster can show, such as whether its network enforces a policy, is not shown here."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from harness import manifest_checks as checks
from harness.mailbox import Mailbox
from harness.manifest_checks import Check
from harness.manifests import DEPLOY, OVERLAYS, README, Manifests, Pod, kubectl, secrets
from harness.nginx import Authority
from harness.postgres import Postgres
from harness.server import Stage, clean_environment, free_port
from harness.waiting import until

pytestmark = pytest.mark.skipif(kubectl() is None, reason="kubectl is not installed")

ROOT = DEPLOY.parents[1]
NGINX = ROOT / "deploy" / "nginx" / "templates"
KUBERNETES = ["1.34", "1.37"]
# What somebody may make of the components, beside the samples.
PARTS = [
    (),
    ("ingress-nginx", "autoscaling"),
    ("gateway", "monitoring", "tracing"),
    ("cloudnative-pg",),
    ("read-replica", "autoscaling", "autoscaling-by-queue"),
]

# Each field of the custom resources, as their makers define or document it; what is within some does not matter.
CUSTOM = {
    "Gateway": """gatewayClassName listeners[].name listeners[].protocol listeners[].port listeners[].hostname
        listeners[].tls.mode listeners[].tls.certificateRefs[].name""",
    "HTTPRoute": """parentRefs[].name parentRefs[].sectionName hostnames[] rules[].matches[].path.type
        rules[].matches[].path.value rules[].backendRefs[].name rules[].backendRefs[].port rules[].filters[].type
        rules[].filters[].requestRedirect.scheme rules[].filters[].requestRedirect.statusCode""",
    "ServiceMonitor": "selector.matchLabels podTargetLabels[] endpoints[].port endpoints[].path endpoints[].interval",
    "Cluster": """imageName instances bootstrap.initdb.database bootstrap.initdb.owner bootstrap.initdb.secret.name
        bootstrap.initdb.encoding bootstrap.initdb.locale bootstrap.initdb.localeProvider bootstrap.initdb.builtinLocale
        bootstrap.initdb.dataChecksums managed.roles[].name managed.roles[].login managed.roles[].passwordSecret.name
        postgresql.synchronous.method postgresql.synchronous.number postgresql.synchronous.dataDurability
        postgresql.synchronous.failoverQuorum postgresql.parameters storage.size walStorage.size resources
        affinity.enablePodAntiAffinity affinity.podAntiAffinityType affinity.topologyKey plugins[].name
        plugins[].isWALArchiver plugins[].parameters""",
    "ObjectStore": """retentionPolicy configuration.destinationPath configuration.endpointURL
        configuration.wal.compression configuration.data.compression configuration.s3Credentials.accessKeyId
        configuration.s3Credentials.secretAccessKey""",
    "ScheduledBackup": """schedule immediate backupOwnerReference cluster.name method pluginConfiguration.name""",
}

# It reads its files anew for each document.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest) -> Manifests:
    return Manifests.of_overlay(request.param)


# Against Kubernetes


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_api_takes_every_document(manifests: Manifests, version: str) -> None:
    for document in manifests.documents:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_refuse_a_field_that_is_unknown_or_of_another_type() -> None:
    manifests = Manifests.of_overlay("full")
    spoil("Service", "usher-web", "spec/port", 80)(manifests)
    spoil("Deployment", "usher-web", f"{POD}/terminationGracePeriodSeconds", "40s")(manifests)
    for kind in ("Service", "Deployment"):
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(manifests.one(kind, "usher-web"), KUBERNETES[-1], strict=True)


def test_custom_resources_have_no_field_that_nobody_looked_up(manifests: Manifests) -> None:
    for document in manifests.of(*CUSTOM):
        known = tuple(f"{path}." for path in CUSTOM[document["kind"]].split())
        unknown = [path for path in fields(document["spec"]) if not f"{path}.".startswith(known)]
        assert unknown == [], document["kind"]


def fields(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from fields(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from fields(each, f"{path}[]")
    else:
        yield path


# Against usher


def test_usher_takes_the_settings_of_every_pod_without_a_warning(
    manifests: Manifests, usher_binary: Path, tmp_path: Path
) -> None:
    given = secrets() | {"usher-database-ca": {"ca.crt": b""}}
    for pod in manifests.pods:
        environment = mounted(manifests, pod, tmp_path / pod.owner["metadata"]["name"], given)
        check = subprocess.run(
            [usher_binary, "config", "check", "--json"], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert (check.returncode, check.stderr) == (0, ""), pod.name
        assert json.loads(check.stdout) == [], pod.name


def mounted(manifests: Manifests, pod: Pod, root: Path, given: dict[str, dict[str, bytes]]) -> dict[str, str]:
    """Lays the Secrets out below a folder, with the links that Kubernetes makes; gives the settings that lead there."""
    for mount in pod.container["volumeMounts"]:
        secret, folder = pod.secrets[mount["name"]], root / mount["mountPath"].lstrip("/")
        content = folder / "..2026_11_25_00_00_00.1"
        content.mkdir(parents=True)
        (folder / "..data").symlink_to(content.name)
        for name, value in given[secret["secretName"]].items():
            (content / name).write_bytes(value)
            (folder / name).symlink_to(f"..data/{name}")
    settings = manifests.environment(pod).items()
    moved = {name: value.replace("/run/secrets", f"{root}/run/secrets") for name, value in settings}
    return clean_environment() | moved


def test_usher_has_the_commands_of_the_pods(manifests: Manifests, usher_binary: Path) -> None:
    for pod in manifests.pods:
        asked = subprocess.run([usher_binary, *pod.container["args"], "--help"], capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr


def test_the_adapter_has_a_rule_for_each_metric_that_scales() -> None:
    manifests = Manifests.of_overlay("full")
    values = (DEPLOY / "components" / "autoscaling-by-queue" / "prometheus-adapter.yaml").read_text()
    rules = yaml.safe_load(values)["rules"]
    given = [rule["seriesQuery"].partition("{")[0] for group in ("custom", "external") for rule in rules[group]]
    assert given == [metric for pod in manifests.pods for metric in scaling_metrics(manifests, pod)]


@pytest.fixture(scope="module")
def database(stage: Stage) -> Iterator[Postgres]:
    """With a certificate of an authority that nobody knows, and the roles that README.md asks for."""
    postgres = Postgres(stage.new_folder())
    authority = Authority(postgres.folder)
    try:
        authority.issue("localhost")
        key, owner = postgres.folder / "key.pem", postgres.folder.stat()
        key.chmod(0o600)
        os.chown(key, owner.st_uid, owner.st_gid)
        with postgres.connect() as connection:
            connection.execute(f"alter system set ssl_cert_file = '{postgres.folder}/certificate.pem'")
            connection.execute(f"alter system set ssl_key_file = '{key}'")
            connection.execute("alter system set ssl = on")
            connection.execute("select pg_reload_conf()")
            connection.execute("create role usher_app login")
        yield postgres
    finally:
        authority.close()
        postgres.remove()


def test_the_job_migrates_and_the_pods_get_ready_and_end(
    usher_binary: Path, database: Postgres, mailbox: Mailbox, stage: Stage
) -> None:
    """The commands, settings, Secrets and probes are those of the manifests; the network and the image are not."""
    manifests, root = Manifests.of_overlay("full"), stage.new_folder()
    url = f"@localhost:{database.port}/usher?sslmode=require"
    given = secrets() | {
        "usher": secrets()["usher"]
        | {"smtp-url": f"smtp://127.0.0.1:{mailbox.port}?tls=none".encode()}
        | dict.fromkeys(("database-url", "database-read-url"), f"postgres://usher_app{url}".encode()),
        "usher-migrate": {"database-url": f"postgres://usher{url}".encode()},
        "usher-database-ca": {"ca.crt": (database.folder / "authority.pem").read_bytes()},
    }
    data = root / "data"
    data.mkdir(parents=True)
    (root / "public.pem").write_bytes(secrets()["usher-tls"]["tls.crt"])
    here = {
        "USHER_DATA_DIR": str(data),
        "USHER_SHUTDOWN_DELAY_SECONDS": "0",
        "USHER_DATABASE_POOL_SIZE": "2",
        "USHER_TRACES_URL": f"http://127.0.0.1:{free_port()}/v1/traces",
        "SSL_CERT_FILE": str(root / "public.pem"),
    }
    (job,) = [pod for pod in manifests.pods if pod.owner["kind"] == "Job"]
    environment = mounted(manifests, job, root / "migrate", given) | here
    migrate = [usher_binary, *job.container["args"]]
    ended = subprocess.run(migrate, env=environment, cwd=root, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "The role usher_app may do what usher needs." in ended.stdout
    for pod in [pod for pod in manifests.pods if pod.owner["kind"] == "Deployment"]:
        environment = mounted(manifests, pod, root / pod.container["args"][0], given) | here
        # Nobody is trusted without being named.
        with running(usher_binary, pod, {**environment, "SSL_CERT_DIR": str(data)}) as (process, _, log):
            until("it waits for a database to trust", lambda: "waiting for the database" in log.read_text())
            process.terminate()
            assert process.wait(10) == 0
        with running(usher_binary, pod, environment) as (process, ports, log):
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                ask = pod.container[kind]["httpGet"]
                until(f"{pod.name} passes its {kind}", lambda: asked(ports[ask["port"]], ask["path"]))
            (metric,) = scaling_metrics(manifests, pod)
            until(f"{pod.name} counts {metric}", lambda: metric in asked(ports["metrics"], "/metrics"))
            process.terminate()
            assert process.wait(pod.spec["terminationGracePeriodSeconds"]) == 0
            entries = [json.loads(line) for line in log.read_text().splitlines()]
            # There is no collector here.
            entries = [entry for entry in entries if not entry["message"].startswith("the collector of USHER_TRACES_URL")]
            assert not [entry for entry in entries if entry["level"] in ("WARN", "ERROR")]
    # So the root file system may be one to read only.
    assert list(data.iterdir()) == []


@contextmanager
def running(
    binary: Path, pod: Pod, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, int], Path]]:
    """The process of a pod, its ports by their names, and its log."""
    ports = {"http": free_port(), "metrics": free_port()}
    environment["USHER_LISTEN"] = f"127.0.0.1:{ports['http']}"
    environment["USHER_METRICS_LISTEN"] = f"127.0.0.1:{ports['metrics']}"
    folder = Path(environment["USHER_DATA_DIR"]).parent
    log = folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [binary, *pod.container["args"]], env=environment, cwd=folder, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        yield process, ports, log
    except AssertionError as error:
        raise AssertionError(f"{error}\n{log.read_text()}") from None
    finally:
        process.kill()
        process.wait()


def asked(port: int, path: str) -> str:
    """What it answers to whoever knows its address only; nothing, if that is a failure."""
    with suppress(httpx.TransportError):
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers={"Host": "10.244.0.7"}, trust_env=False)
        return answer.text if answer.is_success else ""
    return ""


def scaling_metrics(manifests: Manifests, pod: Pod) -> list[str]:
    metrics = [metric for scaler in manifests.scalers(pod.owner["metadata"]["name"]) for metric in scaler["metrics"]]
    return [metric[metric["type"].lower()]["metric"]["name"] for metric in metrics if metric["type"] != "Resource"]


# Against deploy/nginx


def test_ingresses_limit_what_nginx_limits(usher_binary: Path) -> None:
    document = json.loads(subprocess.run([usher_binary, "openapi"], capture_output=True, check=True).stdout)
    locations = (NGINX / "usher.conf.template").read_text()
    limits = re.findall(r"location (= |~ )?(\S+) \{\s+limit_req zone=(\w+) burst=(\d+)", locations)
    rates = dict(re.findall(r"zone=(\w+):4m rate=(\d+)r/s", (NGINX / "http.conf.template").read_text()))
    manifests = Manifests.of_overlay("plain")
    ingresses = {"usher_sign_in": "usher-sign-in", "usher_refresh": "usher-refresh", "usher_pages": "usher"}
    for zone, name in ingresses.items():
        annotations = manifests.one("Ingress", name)["metadata"]["annotations"]
        rate = annotations["nginx.ingress.kubernetes.io/limit-rps"]
        burst = int(rate) * int(annotations["nginx.ingress.kubernetes.io/limit-burst-multiplier"])
        assert {(rates[each], int(most)) for _, _, each, most in limits if each == zone} == {(rate, burst)}
    by_nginx = [re.compile(path) for kind, path, zone, _ in limits if (kind, zone) == ("~ ", "usher_sign_in")]
    routes = manifests.one("Ingress", "usher-sign-in")["spec"]["rules"][0]["http"]["paths"]
    exact = {route["path"] for route in routes if route["pathType"] == "Exact"}
    below = tuple(f"{route['path']}/" for route in routes if route["pathType"] == "Prefix")
    for path in set(document["paths"]) | exact | {f"/{form}" for form in forms()}:
        assert any(pattern.match(path) for pattern in by_nginx) == (path in exact or path.startswith(below)), path


def test_the_gateway_leads_pages_to_https_and_nothing_of_the_api() -> None:
    (rule,) = Manifests.of_overlay("full").one("HTTPRoute", "usher-http")["spec"]["rules"]
    assert {match["path"]["value"] for match in rule["matches"]} == {"/", "/docs"} | {f"/{form}" for form in forms()}
    assert {match["path"]["type"] for match in rule["matches"]} == {"Exact"}
    assert rule["filters"] == [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]


def forms() -> list[str]:
    (found,) = re.findall(r"location ~ \^/\((verify\|[a-z|/-]+)\)\$", (NGINX / "usher.conf.template").read_text())
    return found.split("|")


# Within themselves


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_nothing_in_a_sample(check: Check, manifests: Manifests) -> None:
    assert list(check(manifests)) == []


@pytest.mark.parametrize("parts", PARTS, ids=lambda parts: "+".join(parts) or "base")
def test_the_components_fit_together_otherwise_and_in_another_namespace(parts: tuple[str, ...]) -> None:
    manifests = Manifests.of_parts(*parts, namespace="people")
    assert {check.__name__: found for check in checks.CHECKS if (found := list(check(manifests)))} == {}


def test_the_steps_of_a_rollout_are_those_of_the_documents() -> None:
    steps = re.findall(r'--selector "\$component ?([^"]+)"', README.read_text())
    assert steps == [f"in ({', '.join(sorted(checks.BEFORE, reverse=True))})", "=migrate", "!=migrate"]


# The checks can fail

POD, CONTAINER = "spec/template/spec", "spec/template/spec/containers/0"
COMPONENT = "metadata/labels/app.kubernetes.io~component"
OPEN_VOLUME = {"name": "secrets", "hostPath": {"path": "/"}}
SPOILED: list[tuple[Check, str, str, str, Any]] = [
    (checks.breaks_the_restricted_profile, "Deployment", "usher-web", f"{POD}/hostNetwork", True),
    (checks.breaks_the_restricted_profile, "Deployment", "usher-web", f"{POD}/securityContext/runAsUser", 0),
    (checks.breaks_the_restricted_profile, "Deployment", "usher-web", f"{POD}/securityContext/seccompProfile", None),
    (checks.breaks_the_restricted_profile, "Deployment", "usher-web", f"{POD}/automountServiceAccountToken", None),
    (checks.breaks_the_restricted_profile, "Deployment", "usher-worker", f"{POD}/volumes/0", OPEN_VOLUME),
    (checks.breaks_the_restricted_profile, "Deployment", "usher-worker", f"{CONTAINER}/ports/0/hostPort", 9464),
    (checks.breaks_the_restricted_profile, "Job", "usher-migrate", f"{CONTAINER}/securityContext/runAsNonRoot", False),
    (checks.breaks_the_restricted_profile, "Job", "usher-migrate", f"{CONTAINER}/securityContext/capabilities", None),
    (checks.breaks_the_restricted_profile, "Job", "usher-migrate", f"{POD}/initContainers", [{}]),
    (checks.breaks_the_restricted_profile, "Namespace", "", "metadata/labels/pod-security.kubernetes.io~enforce", "x"),
    (checks.leads_nowhere, "Deployment", "usher-web", f"{POD}/serviceAccountName", "default"),
    (checks.leads_nowhere, "Deployment", "usher-web", f"{CONTAINER}/envFrom/0/configMapRef/name", "usher"),
    (checks.leads_nowhere, "Deployment", "usher-web", f"{CONTAINER}/volumeMounts/0/mountPath", "/run/secrets/web"),
    (checks.leads_nowhere, "Deployment", "usher-web", f"{POD}/volumes/0/secret/secretName", "usher-web"),
    (checks.leads_nowhere, "Deployment", "usher-web", f"{CONTAINER}/livenessProbe/httpGet/path", "/healthz"),
    (checks.leads_nowhere, "Deployment", "usher-worker", f"{CONTAINER}/readinessProbe/httpGet/port", "http"),
    (checks.leads_nowhere, "Deployment", "usher-worker", f"{CONTAINER}/startupProbe", None),
    (checks.leads_nowhere, "ConfigMap", "usher", "data/USHER_SECRET_KEY_FILE", "/run/secrets/usher/key"),
    (checks.leads_nowhere, "Cluster", "usher-database", "spec/bootstrap/initdb/secret/name", "usher-database"),
    (checks.leads_nowhere, "Cluster", "usher-database", "metadata/name", "database"),
    (checks.leads_nowhere, "ObjectStore", "", "spec/configuration/s3Credentials/accessKeyId/key", "id"),
    (checks.leads_nowhere, "Ingress", "usher", "spec/tls/0/secretName", "tls"),
    (checks.leads_nowhere, "Gateway", "usher", "spec/listeners/1/tls/certificateRefs/0/name", "tls"),
    (checks.is_not_reached, "Service", "usher-web", "spec/ports/0/targetPort", "web"),
    (checks.is_not_reached, "Service", "usher-web", "spec/ports/0/port", 8000),
    (checks.is_not_reached, "Service", "usher-web", "spec/selector/app.kubernetes.io~component", "serve"),
    (checks.is_not_reached, "Service", "usher-metrics", COMPONENT, "web"),
    (checks.is_not_reached, "Ingress", "usher-api", "spec/rules/0/http/paths/0/backend/service/name", "usher"),
    (checks.is_not_reached, "HTTPRoute", "usher", "spec/parentRefs/0/sectionName", "tls"),
    (checks.is_not_reached, "HorizontalPodAutoscaler", "usher-web", "spec/scaleTargetRef/name", "usher"),
    (checks.is_not_reached, "ScheduledBackup", "", "spec/cluster/name", "usher"),
    (checks.selects_wrongly, "Deployment", "usher-web", "spec/selector/matchLabels/app.kubernetes.io~component", None),
    (checks.selects_wrongly, "Deployment", "usher-web", f"{POD}/topologySpreadConstraints/1", None),
    (checks.selects_wrongly, "PodDisruptionBudget", "usher-web", "metadata/name", "usher"),
    (checks.selects_wrongly, "Deployment", "usher-web", "spec/replicas", 1),
    (checks.does_not_add_up, "ConfigMap", "usher", "data/USHER_SHUTDOWN_GRACE_SECONDS", "30"),
    (checks.does_not_add_up, "ConfigMap", "usher", "data/USHER_HASH_MEMORY_MIB", "256"),
    (checks.does_not_add_up, "ConfigMap", "usher", "data/USHER_METRICS_LISTEN", "0.0.0.0:9100"),
    (checks.does_not_add_up, "ConfigMap", "usher", "data/USHER_DATABASE_POOL_SIZE", "16"),
    (checks.does_not_add_up, "HorizontalPodAutoscaler", "usher-web", "spec/maxReplicas", 20),
    (checks.does_not_add_up, "Deployment", "usher-web", f"{POD}/enableServiceLinks", None),
    (checks.does_not_add_up, "Deployment", "usher-web", "spec/strategy/rollingUpdate/maxUnavailable", 1),
    (checks.does_not_add_up, "Deployment", "usher-worker", f"{CONTAINER}/resources/limits/cpu", None),
    (checks.is_open, "NetworkPolicy", "default-deny", "spec/policyTypes", ["Egress"]),
    (checks.is_open, "NetworkPolicy", "usher-web", "spec/ingress/0/from", []),
    (checks.is_open, "NetworkPolicy", "usher-web", "spec/ingress/0/ports/0/port", 8080),
    (checks.is_open, "NetworkPolicy", "usher-mail", "spec/podSelector", {}),
    (checks.is_open, "NetworkPolicy", "usher-database", "spec/podSelector/matchLabels/app.kubernetes.io~name", "web"),
    (checks.is_open, "NetworkPolicy", "usher-traces", "spec/egress", []),
    (checks.is_out_of_order, "ConfigMap", "usher", COMPONENT, "web"),
    (checks.is_out_of_order, "Job", "usher-migrate", COMPONENT, "shared"),
    (checks.is_out_of_order, "Service", "usher-web", "metadata/namespace", "default"),
    (checks.is_out_of_order, "Service", "usher-web", "kind", "Secret"),
]


def spoil(kind: str, name: str, path: str, value: Any) -> Callable[[Manifests], None]:
    """Sets a field of the first document whose name begins so, if there is one; None takes the field away."""

    def change(manifests: Manifests) -> None:
        *way, last = [int(step) if step.isdigit() else step.replace("~", "/") for step in path.split("/")]
        for document in [each for each in manifests.of(kind) if each["metadata"]["name"].startswith(name)][:1]:
            at: Any = document
            for step in way:
                at = at[step]
            if value is None:
                del at[last]
            else:
                at[last] = value

    return change


@pytest.mark.parametrize(("check", "kind", "name", "path", "value"), SPOILED)
def test_what_is_spoiled_is_found(check: Check, kind: str, name: str, path: str, value: Any) -> None:
    samples = [Manifests.of_overlay(overlay) for overlay in OVERLAYS]
    for sample in samples:
        spoil(kind, name, path, value)(sample)
    assert any(list(check(sample)) for sample in samples)
