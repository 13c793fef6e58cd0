"""The files of the forge (.github): judged by the forge's own schemas and by a linter for their security, and held
against what they call. No workflow runs here; docs/release.md says what only the forge can show."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FORGE = ROOT / ".github"
WORKFLOWS = sorted((FORGE / "workflows").glob("*.yml"))
NAMES = [path.stem for path in WORKFLOWS]
# What dependabot reads in a directory.
MANIFESTS = {
    "cargo": "Cargo.lock",
    "pip": "requirements.txt",
    "docker": "Dockerfile",
    "github-actions": ".github/workflows",
}
CHANGELOG = """# Changelog

## [Unreleased]

- Later.

## [1.2.0] - 2026-01-02

- Now.

## [1.1.0] - 2026-01-01

- Before.
"""
MANIFEST = '[workspace.package]\nversion = "1.2.0"\n\n[workspace.dependencies]\nversion = "9.9.9"\n'


def tool(name: str) -> Path:
    """A program of a package in requirements.txt."""
    return Path(sys.executable).parent / name


def passes(*command: str | Path) -> None:
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((FORGE / "workflows" / f"{name}.yml").read_text())


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{name}: {job}", told) for name in NAMES for job, told in read(name)["jobs"].items()]


def scripts() -> list[tuple[str, str]]:
    """What the steps run, once for each row of the job's matrix."""
    found = []
    for name, job in jobs():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job.get("steps", []):
            texts = [step["run"]] if "run" in step else []
            for key, told in step.get("env", {}).items():
                match = re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", str(told))
                if match and match[1] in matrix:
                    texts = [text.replace(f'"${key}"', value) for text in texts for value in matrix[match[1]]]
            found += [(name, text) for text in texts]
    return found


def test_workflows_are_what_the_forge_takes() -> None:
    assert WORKFLOWS
    passes(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    passes(tool("check-jsonschema"), "--builtin-schema", "vendor.dependabot", FORGE / "dependabot.yml")


def test_a_linter_finds_no_way_into_the_workflows() -> None:
    """Templates in scripts, permissions, credentials that stay, caches of others, actions that may change."""
    strict = ("--persona", "auditor", "--min-severity", "low")
    passes(tool("zizmor"), "--offline", "--no-progress", "--quiet", *strict, FORGE)


def test_this_linter_finds_an_action_that_may_change(tmp_path: Path) -> None:
    text = (FORGE / "workflows/ci.yml").read_text()
    workflow = tmp_path / "ci.yml"
    workflow.write_text(re.sub(r"actions/checkout@\S+ # v\S+", "actions/checkout@main", text))
    with pytest.raises(AssertionError, match="unpinned-uses"):
        passes(tool("zizmor"), "--offline", "--no-progress", "--quiet", workflow)


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_by_commit_and_their_version_is_told(name: str) -> None:
    for line in (FORGE / "workflows" / f"{name}.yml").read_text().splitlines():
        used = re.match(r"\s*(?:- )?uses: (.*)", line)
        if used and not used[1].startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used[1]), line


@pytest.mark.parametrize("name", NAMES)
def test_nothing_may_write_unless_its_job_says_so(name: str) -> None:
    assert read(name)["permissions"] == {}
    for job, told in read(name)["jobs"].items():
        writes = {scope for scope, may in told["permissions"].items() if may == "write"}
        assert not writes or (name, job) == ("release", "publish"), (job, writes)


@pytest.mark.parametrize("name", NAMES)
def test_workflows_wait_for_each_other_and_not_for_ever(name: str) -> None:
    assert read(name)["concurrency"]["group"]
    for job, told in read(name)["jobs"].items():
        assert "uses" in told or told["timeout-minutes"] <= 300, job


def test_no_secret_has_to_be_given_to_a_fork() -> None:
    """The forge's own token is enough."""
    for path in WORKFLOWS:
        assert "secrets." not in path.read_text(), path


def test_scripts_are_shell() -> None:
    assert len(scripts()) > 10
    for name, text in scripts():
        ended = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, (name, ended.stderr)


def test_commands_of_the_project_exist() -> None:
    dispatch = (ROOT / "xtask/src/main.rs").read_text()
    called = [(name, words) for name, text in scripts() for words in re.findall(r"cargo xtask ([^\n&|;]+)", text)]
    found = {words.split()[0] for _, words in called}
    assert found >= {"audit", "advisories", "docker-test", "fuzz", "test", "proofs", "chaos", "timing", "schemathesis"}
    for name, words in called:
        assert f'["{words.split()[0]}"' in dispatch, (name, words)
    assert any(text.strip() == ".ci/run" for _, text in scripts()) and os.access(ROOT / ".ci/run", os.X_OK)


def test_what_a_release_packs_is_there() -> None:
    text = (FORGE / "workflows/release.yml").read_text()
    for path in ("deploy/Dockerfile", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md", "Cargo.lock"):
        assert path in text and (ROOT / path).is_file(), path
    arguments = re.findall(r"--build-arg (\w+)=", text)
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    assert arguments and all(re.search(rf"^ARG {name}\b", dockerfile, re.MULTILINE) for name in arguments), arguments


def test_dependabot_looks_where_something_is() -> None:
    for update in yaml.safe_load((FORGE / "dependabot.yml").read_text())["updates"]:
        for directory in update.get("directories", [update.get("directory")]):
            assert (ROOT / directory.lstrip("/") / MANIFESTS[update["package-ecosystem"]]).exists(), (directory, update)


@pytest.mark.parametrize(
    ("tag", "changelog", "ends"),
    [("v1.2.0", CHANGELOG, 0), ("v1.2.1", CHANGELOG, 1), ("v1.2.0", CHANGELOG.replace("[1.2.0]", "[1.2.0-rc.1]"), 1)],
    ids=["a release", "another version", "nothing told of it"],
)
def test_a_release_is_what_the_manifest_and_the_changelog_say(
    tmp_path: Path, tag: str, changelog: str, ends: int
) -> None:
    """The step itself, with files of a project as it could be."""
    steps = read("release")["jobs"]["build"]["steps"]
    script = next(step["run"] for step in steps if step.get("id") == "version")
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    output = tmp_path / "output"
    environment = {"PATH": os.environ["PATH"], "TAG": tag, "GITHUB_OUTPUT": str(output)}
    # As the forge runs a step that names no shell.
    ended = subprocess.run(
        ["bash", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == ends, ended.stderr
    if ends == 0:
        assert output.read_text() == "version=1.2.0\n"
        assert (tmp_path / "notes.md").read_text().strip() == "- Now."
