"""Metrics as docs/metrics.md has them, as a server tells them, and as PromQL asks for them."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import promql_parser
from prometheus_client.parser import text_string_to_metric_families

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
# What Prometheus itself adds to every sample, or tells of what it collects.
ADDED_LABELS = {"job", "instance"}
OF_PROMETHEUS = {"up", "ALERTS"}
# The labels of a histogram's buckets.
PARTS = {"_bucket": {"le"}, "_count": set(), "_sum": set()}


@dataclass(frozen=True)
class Metric:
    """One metric. Of each label the values that it may have; none where they are not enumerated."""

    name: str
    kind: str
    unit: str
    labels: dict[str, frozenset[str]]
    samples: list[tuple[str, dict[str, str], float]] = field(default_factory=list, compare=False)


@cache
def documented() -> dict[str, Metric]:
    """The rows of the tables under "Metrics"."""
    section = DOCUMENT.read_text().split("\n## Metrics\n")[1].split("\n## ")[0]
    found: dict[str, Metric] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        name, kind, unit, labels, meaning = cells
        name = name.strip("`")
        assert meaning and unit and name not in found, line
        found[name] = Metric(name, kind, unit, dict(_label(text) for text in labels.split(";") if text.strip()))
    return found


def _label(text: str) -> tuple[str, frozenset[str]]:
    name, *values = re.findall(r"`([^`]+)`", text)
    return name, frozenset(values)


def told(base_url: str) -> dict[str, Metric]:
    """What a server tells at /metrics, read by Prometheus's own reader."""
    answer = httpx.get(f"{base_url}/metrics", trust_env=False, timeout=20)
    assert answer.status_code == 200, answer.text
    found = {}
    for family in text_string_to_metric_families(answer.text):
        # The reader takes the ending off.
        name = f"{family.name}_total" if family.type == "counter" else family.name
        samples = [(sample.name, dict(sample.labels), sample.value) for sample in family.samples]
        values: dict[str, set[str]] = {}
        for _, labels, _ in samples:
            for label, value in labels.items():
                values.setdefault(label, set()).add(value)
        if family.type == "histogram":
            values.pop("le", None)
        kept = {label: frozenset(present) for label, present in values.items()}
        found[name] = Metric(name, family.type, family.unit, kept, samples)
    return found


def value(metrics: dict[str, Metric], sample: str, **labels: str) -> float:
    """The sum of the samples with this name and these labels; 0 if there is none."""
    samples = (one for metric in metrics.values() for one in metric.samples)
    return sum(number for name, present, number in samples if name == sample and labels.items() <= present.items())


@dataclass(frozen=True)
class Selector:
    """What an expression asks Prometheus for."""

    name: str
    matchers: dict[str, str]


def parse(expression: str) -> Any:
    """An expression as a tree; fails if it is none."""
    try:
        return promql_parser.parse(expression)
    except ValueError as error:
        raise AssertionError(f"{error}: {expression}") from None


def selectors(tree: Any) -> list[Selector]:
    found: list[Selector] = []

    def look(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(Selector(node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers}))

    promql_parser.walk(tree, look)
    return found


def grouped_by(tree: Any) -> set[str]:
    """The labels by which the expression groups or joins."""
    found: set[str] = set()

    def look(node: Any) -> None:
        modifier = getattr(node, "modifier", None)
        for part in (modifier, getattr(modifier, "matching", None)):
            found.update(getattr(part, "labels", None) or [])
        found.update(getattr(modifier, "group_labels", None) or [])

    promql_parser.walk(tree, look)
    return found


def metric_of(sample: str) -> Metric | None:
    """The documented metric that has samples of this name."""
    found = documented().get(sample)
    if found:
        return found if found.kind != "histogram" else None
    for ending in PARTS:
        found = documented().get(sample.removesuffix(ending))
        if sample.endswith(ending) and found and found.kind == "histogram":
            return found
    return None


def labels_of(sample: str) -> set[str] | None:
    """The labels of samples with this name, or None if there are none like that."""
    if sample in OF_PROMETHEUS:
        return ADDED_LABELS
    metric = metric_of(sample)
    if metric is None:
        return None
    more = PARTS[sample.removeprefix(metric.name)] if metric.kind == "histogram" else set()
    return ADDED_LABELS | metric.labels.keys() | more
