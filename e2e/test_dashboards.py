"""deploy/prometheus and deploy/grafana: Prometheus's tools and Grafana's types take them, they ask only for metrics that
exist, and a real Prometheus answers everything that they ask of real servers."""

import copy
import json
import re
import shutil
import subprocess
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units

from harness import metrics
from harness.canary import new_password
from harness.people import Site
from harness.server import Stage, Usher, free_port
from harness.waiting import until

with warnings.catch_warnings():
    # The older of two forms of a dashboard, which every release of Grafana takes.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models.dashboard import Dashboard

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy" / "prometheus"
DASHBOARD_FILE = ROOT / "deploy" / "grafana" / "usher.json"
RULES = yaml.safe_load((DEPLOY / "usher.rules.yaml").read_text())
TESTS = yaml.safe_load((DEPLOY / "usher.rules.test.yaml").read_text())
DASHBOARD = json.loads(DASHBOARD_FILE.read_text())
ALERTS = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule}
RECORDED = {rule["record"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

TOOL_SECONDS = 120
COLUMNS = 24
# Names that other programs use too: here a selector says whose are meant.
SHARED = re.compile(r"up$|ALERTS$|http_|db_|process_")
# What the dashboard leaves out: they say little about how things are.
LEFT_OUT = {"usher_audit_sealed_events", "process_virtual_memory_bytes", "process_virtual_memory_max_bytes"}
# Panels that are empty while all is well, or of a deployment without a replica.
EMPTY_WHEN_WELL = {
    "Alerts that fire",
    "Failures of ours",
    "Refused for being too many",
    "No connection in time",
    "Jobs that failed",
}


def promtool(*arguments: str, folder: Path = DEPLOY, succeeds: bool = True) -> str:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: it is in Debian's package prometheus")
    ended = subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
    )
    told = ended.stdout + ended.stderr
    assert (ended.returncode == 0) == succeeds, told
    return told


# The rules


def test_promtool_takes_the_rules_and_the_sample() -> None:
    told = promtool("check", "rules", "--lint-fatal", "usher.rules.yaml")
    assert f"{len(ALERTS) + len(RECORDED)} rules found" in told
    promtool("check", "config", "--lint-fatal", "prometheus.yaml")


def test_each_alert_fires_when_it_should_and_not_otherwise() -> None:
    promtool("test", "rules", "usher.rules.test.yaml")


def expectations() -> dict[str, list[list[Any]]]:
    """Of each alert what its tests expect, one after the other."""
    found: dict[str, list[list[Any]]] = {name: [] for name in ALERTS}
    for test in TESTS["tests"]:
        for one in test["promql_expr_test"]:
            name = re.fullmatch(r'ALERTS\{alertname="(\w+)",alertstate="firing"\}', one["expr"])
            assert name, one
            found[name[1]].append(one["exp_samples"])
    return found


def test_each_alert_has_tests_of_both_kinds() -> None:
    for name, expected in expectations().items():
        assert [] in expected and any(expected), name


@pytest.mark.parametrize("expression", ["vector(1) > 1", "vector(1)"])
def test_such_a_test_can_fail(tmp_path: Path, expression: str) -> None:
    """The first one, against an alert that never fires, and against one that always does."""
    rules, tests = copy.deepcopy(RULES), copy.deepcopy(TESTS)
    tests["tests"] = tests["tests"][:1]
    tested = tests["tests"][0]["promql_expr_test"][0]["expr"].split('"')[1]
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if rule.get("alert") == tested):
        rule["expr"] = expression
        rule.pop("for", None)
    for name, content in (("usher.rules.yaml", rules), ("usher.rules.test.yaml", tests)):
        (tmp_path / name).write_text(yaml.safe_dump(content))
    assert tested in promtool("test", "rules", "usher.rules.test.yaml", folder=tmp_path, succeeds=False)


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_tells_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors(ROOT / file)
    # What the summary names is there when it fires.
    fired = [sample["labels"] for expected in expectations()[name] for sample in expected]
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        guarded = f"or $labels.{label}" in rule["annotations"]["summary"]
        assert guarded or all(re.search(rf'[{{,]{label}="', sample) for sample in fired), label
    assert "{{" not in rule["annotations"]["description"]


def test_the_document_has_a_part_for_each_alert_and_for_no_other() -> None:
    part = metrics.DOCUMENT.read_text().split("\n## What to do at an alert\n")[1].split("\n## ")[0]
    assert sorted(re.findall(r"^### (\w+)$", part, re.MULTILINE)) == sorted(ALERTS)


@cache
def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# What is asked


def in_grafana(expression: str) -> str:
    """An expression of the dashboard as Prometheus gets it."""
    values = {"$__rate_interval": "1m", "$job": "usher", "$instance": ".*"}
    for name, given in values.items():
        expression = expression.replace(name, given)
    assert "$" not in expression, expression
    return expression


def of_dashboard() -> Iterator[tuple[str, str]]:
    """Each expression of the dashboard with where it is."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", in_grafana(target["expr"])
    for annotation in DASHBOARD["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], in_grafana(annotation["expr"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert asked and variable["query"]["query"] == variable["definition"], variable
            yield variable["name"], f"count by ({asked[2]}) ({in_grafana(asked[1])})"


def of_rules() -> Iterator[tuple[str, str]]:
    for name, rule in ALERTS.items():
        yield name, rule["expr"]
    yield from RECORDED.items()


EXPRESSIONS = dict([*of_rules(), *of_dashboard()])


def check_expression(expression: str) -> None:
    """It is PromQL, and asks for metrics and labels that there are."""
    tree = metrics.parse(expression)
    asked = metrics.selectors(tree)
    assert asked
    groups = metrics.grouped_by(tree)
    for selector in asked:
        labels = {"job"} if selector.name in RECORDED else metrics.labels_of(selector.name)
        assert labels is not None, f"there is no metric {selector.name}"
        if selector.name == "ALERTS":
            continue
        assert selector.matchers.keys() <= labels, f"{selector.name} has no {selector.matchers.keys() - labels}"
        known = metrics.metric_of(selector.name)
        for label, wanted in selector.matchers.items():
            values = known.labels.get(label, frozenset()) if known else frozenset()
            assert not values or any(re.fullmatch(wanted, value) for value in values), f"{label} is never {wanted}"
        assert not SHARED.match(selector.name) or "job" in selector.matchers, f"{selector.name} of whom?"
    everything = set().union(*(metrics.labels_of(selector.name) or {"job"} for selector in asked))
    assert groups <= everything, groups - everything


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_every_expression_asks_for_what_there_is(place: str) -> None:
    check_expression(EXPRESSIONS[place])


@pytest.mark.parametrize(
    "expression",
    [
        "sum(rate(usher_sign_ins_total[5m])",
        "usher_nonsense",
        "usher_password_hash_wait_seconds",
        'usher_sign_ins_total{user="ann"}',
        'usher_sign_ins_total{outcome="failed"}',
        "sum by (route) (rate(usher_sign_ins_total[5m]))",
        "process_open_fds > 1000",
    ],
)
def test_the_check_of_expressions_can_fail(expression: str) -> None:
    with pytest.raises(AssertionError):
        check_expression(expression)


def test_promtool_takes_every_expression(tmp_path: Path) -> None:
    """The parser of Prometheus itself."""
    rules = [{"record": f"e{number}", "expr": expression} for number, expression in enumerate(EXPRESSIONS.values())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    told = promtool("check", "rules", "--lint=none", "rules.yaml", folder=tmp_path)
    assert f"{len(rules)} rules found" in told


def test_every_metric_is_on_the_dashboard() -> None:
    asked = [selector for _, expression in of_dashboard() for selector in metrics.selectors(metrics.parse(expression))]
    shown = {metric.name for metric in (metrics.metric_of(selector.name) for selector in asked) if metric}
    assert metrics.documented().keys() - shown == LEFT_OUT


# The dashboard


def lost(given: Any, taken: Any, place: str = "") -> list[str]:
    """What of one document is not in the other one."""
    if isinstance(given, dict) and isinstance(taken, dict):
        return [
            found
            for name, value in given.items()
            for found in (lost(value, taken[name], f"{place}/{name}") if name in taken else [f"{place}/{name}"])
        ]
    if isinstance(given, list) and isinstance(taken, list) and len(given) == len(taken):
        pairs = enumerate(zip(given, taken, strict=True))
        return [found for index, (one, other) in pairs for found in lost(one, other, f"{place}/{index}")]
    return [] if given == taken else [place]


def as_grafana_takes_it(dashboard: dict[str, Any]) -> Any:
    register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))


def test_grafanas_own_types_lose_nothing_of_it() -> None:
    """A member that Grafana does not know, or a misspelt one, would be dropped."""
    assert lost(DASHBOARD, as_grafana_takes_it(DASHBOARD)) == []


PLACES = ["", "panels/1", "panels/1/targets/0", "panels/1/options", "panels/1/fieldConfig/defaults"]


@pytest.mark.parametrize("path", PLACES)
def test_a_misspelt_member_is_noticed(path: str) -> None:
    misspelt = copy.deepcopy(DASHBOARD)
    place: Any = misspelt
    for name in filter(None, path.split("/")):
        place = place[int(name) if name.isdigit() else name]
    place["graphToltip"] = 1
    assert len(lost(misspelt, as_grafana_takes_it(misspelt))) == 1


def test_panels_lie_beside_each_other_and_not_on_each_other() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: Counter[tuple[int, int]] = Counter()
    for panel in everything:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS, panel["title"]
        taken.update((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"]))
    assert set(taken.values()) == {1}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel['id']} {panel['title']}")
def test_each_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    known_units = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
    assert panel["title"] and panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in known_units
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["datasource"] == chosen
    for target in panel["targets"]:
        assert target["datasource"] == chosen
        assert "job=~" in target["expr"], "of the installation that was chosen"
        # The label of a series is one that it has.
        groups = metrics.grouped_by(metrics.parse(in_grafana(target["expr"])))
        legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert legend <= groups | {"instance"}, legend
    several = len(panel["targets"]) > 1 and panel["type"] != "table"
    assert not several or all(target["legendFormat"] for target in panel["targets"])


def test_what_is_chosen_at_the_top_is_the_source_the_installation_and_the_process() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "instance"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert variables["instance"]["multi"] and variables["instance"]["includeAll"]


# A real Prometheus


@dataclass
class Prometheus:
    url: str

    def get(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=20)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["status"] == "success" and not told.get("warnings"), told
        return told["data"]

    def ask(self, expression: str) -> list[dict[str, Any]]:
        return self.get("query", query=expression)["result"]

    def is_ready(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/-/ready", trust_env=False, timeout=5).status_code == 200
        return False


@pytest.fixture(scope="module")
def prometheus(stage: Stage, servers: list[Usher], site: Site) -> Iterator[Prometheus]:
    """With the sample of deploy/prometheus, before the shared servers."""
    found = shutil.which("prometheus")
    if found is None:
        pytest.skip("Prometheus is not installed: it is Debian's package prometheus")
    folder = stage.new_folder()
    folder.mkdir()
    shutil.copy(DEPLOY / "usher.rules.yaml", folder)
    config = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [server.address for server in servers]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    place = f"127.0.0.1:{free_port()}"
    command = [found, "--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address={place}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        made = Prometheus(f"http://{place}")
        until("Prometheus answers", made.is_ready)
        samples = lambda: made.ask("min(count_over_time(usher_build_info[1m]))")  # noqa: E731
        until("it has asked both servers once", samples)
        a_walk(site)
        before = int(samples()[0]["value"][1])
        until("it has asked both again", lambda: int(samples()[0]["value"][1]) > before + 2)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=20)


def a_walk(site: Site) -> None:
    """Of everything that is counted while all is well."""
    someone = site.person()
    for _ in range(2):
        site.login(someone.email, new_password())
        site.admin.api.get("/v1/users", expect=200)
        site.admin.api.get(f"/v1/users/{someone.id}", expect=200)
        site.anonymous.get("/v1/me", expect=401)


def test_prometheus_reaches_every_process(prometheus: Prometheus, servers: list[Usher]) -> None:
    targets = prometheus.get("targets")["activeTargets"]
    assert {(target["health"], target["lastError"]) for target in targets} == {("up", "")}
    assert len(targets) == len(servers)


def test_prometheus_can_evaluate_every_rule(prometheus: Prometheus) -> None:
    def rules() -> list[dict[str, Any]]:
        return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]

    until("every rule was evaluated", lambda: all(rule["health"] != "unknown" for rule in rules()))
    assert {(rule["name"], rule["health"], rule.get("lastError", "")) for rule in rules()} == {
        (name, "ok", "") for name in (*ALERTS, *RECORDED)
    }


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel['id']} {panel['title']}")
def test_each_panel_has_something_to_show(prometheus: Prometheus, panel: dict[str, Any]) -> None:
    results = [prometheus.ask(in_grafana(target["expr"])) for target in panel["targets"]]
    if panel["title"] not in EMPTY_WHEN_WELL:
        assert any(results), "no data"
        assert panel["type"] == "table" or all(results), "a part has no data"


def test_what_is_chosen_at_the_top_is_there(prometheus: Prometheus, servers: list[Usher]) -> None:
    for _, expression in list(of_dashboard())[-2:]:
        assert prometheus.ask(expression)
    found = prometheus.get("label/instance/values", **{"match[]": 'usher_build_info{job=~"usher"}'})
    assert set(found) == {server.address for server in servers}
