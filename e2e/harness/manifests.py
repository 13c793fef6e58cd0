"""The manifests of deploy/kubernetes as kustomize renders them. No cluster is needed, and none is asked."""

import base64
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
README = DEPLOY / "README.md"
OVERLAYS = sorted(path.name for path in (DEPLOY / "overlays").iterdir())

Document = dict[str, Any]
# Whatever cluster this machine knows is not asked.
ALONE = os.environ | {"KUBECONFIG": os.devnull}


def kubectl() -> str | None:
    """That of the tests' own environment before any other."""
    return shutil.which("kubectl", path=Path(sys.executable).parent) or shutil.which("kubectl")


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


class Pod:
    """What a Deployment or a Job makes pods of."""

    def __init__(self, owner: Document) -> None:
        self.owner = owner
        self.name = f"{owner['kind']}/{owner['metadata']['name']}"
        template = owner["spec"]["template"]
        self.labels: dict[str, str] = template["metadata"]["labels"]
        self.spec: Document = template["spec"]
        (self.container,) = self.spec["containers"]
        self.ports = {port["name"]: port["containerPort"] for port in self.container.get("ports", [])}
        self.secrets = {volume["name"]: volume["secret"] for volume in self.spec["volumes"] if "secret" in volume}

    def secret_of(self, path: str) -> tuple[str, str]:
        """The Secret and its key that are found under this path; a KeyError if none is."""
        for mount in self.container["volumeMounts"]:
            if Path(path).is_relative_to(mount["mountPath"]):
                secret, within = self.secrets[mount["name"]], str(Path(path).relative_to(mount["mountPath"]))
                keys = {item["path"]: item["key"] for item in secret.get("items", [{"path": within, "key": within}])}
                return secret["secretName"], keys[within]
        raise KeyError(path)


class Manifests:
    """All documents that are applied together."""

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents

    @classmethod
    def of_overlay(cls, name: str) -> Self:
        return cls(copy.deepcopy(_rendered(DEPLOY / "overlays" / name)))

    @classmethod
    def of_parts(cls, *components: str, namespace: str = "usher") -> Self:
        """As an overlay that somebody wrote."""
        with tempfile.TemporaryDirectory() as folder:
            deploy = os.path.relpath(DEPLOY, Path(folder).resolve())
            kustomization = {
                "namespace": namespace,
                "resources": [f"{deploy}/base"],
                "components": [f"{deploy}/components/{component}" for component in components],
            }
            (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
            return cls(_rendered.__wrapped__(Path(folder)))

    @property
    def pods(self) -> list[Pod]:
        return [Pod(owner) for owner in self.of("Deployment", "Job")]

    def of(self, *kinds: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] in kinds]

    def one(self, kind: str, name: str) -> Document:
        """An IndexError if there is none."""
        return [document for document in self.of(kind) if document["metadata"]["name"] == name][0]

    def has(self, kind: str, name: str) -> bool:
        return any(document["metadata"]["name"] == name for document in self.of(kind))

    def environment(self, pod: Pod) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in pod.container["envFrom"]:
            found |= self.one("ConfigMap", source["configMapRef"]["name"])["data"]
        return found | {each["name"]: each["value"] for each in pod.container.get("env", [])}

    def scalers(self, deployment: str) -> list[Document]:
        """Of the autoscalers that look after it, what they say."""
        scalers = [scaler["spec"] for scaler in self.of("HorizontalPodAutoscaler")]
        return [scaler for scaler in scalers if scaler["scaleTargetRef"]["name"] == deployment]


@cache
def _rendered(folder: Path) -> list[Document]:
    ended = subprocess.run([str(kubectl()), "kustomize", folder], env=ALONE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == "", "a warning"
    return list(yaml.safe_load_all(ended.stdout))


@cache
def secrets() -> dict[str, dict[str, bytes]]:
    """The Secrets that the commands of README.md make; they are shown here, and sent to no cluster."""
    section = README.read_text().partition("\n## Secrets\n")[2].partition("\n## ")[0]
    commands = "\n".join(re.findall("^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE))
    show = f'kubectl() {{ "{kubectl()}" "$@" --dry-run=client --output=json; }}'
    with tempfile.TemporaryDirectory() as folder:
        for name in ("access-key-id", "secret-access-key"):
            (Path(folder) / name).write_text("canary")
        (Path(folder) / "smtp-url").write_text("smtp://usher:mirabelle-quince@mail.example.org?tls=required")
        certificate = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=users.example.org"]
        certificate += ["-keyout", "privkey.pem", "-out", "fullchain.pem"]
        subprocess.run(certificate, cwd=folder, check=True, capture_output=True)
        shell = ["bash", "-euo", "pipefail", "-c", f"{show}\n{commands}"]
        made = subprocess.run(shell, env=ALONE, cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    found, rest = {}, made.stdout
    while rest:
        secret, end = json.JSONDecoder().raw_decode(rest)
        found[secret["metadata"]["name"]] = {key: base64.b64decode(value) for key, value in secret["data"].items()}
        rest = rest[end:].lstrip()
    return found
