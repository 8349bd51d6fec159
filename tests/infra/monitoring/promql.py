"""What expressions of PromQL read, and the programs that judge them."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"')
GROUPED = re.compile(r"\b(?:by|on|without|group_left) \(([^)]*)\)")
OURS = re.compile(r"\bgateline[\w:]*(?![\w:]*\{)\b")
Labels = Mapping[str, set[str]]


def program(name: str) -> str:
    """Return a program of Debian's package `prometheus`, or skip the test."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on PATH (Debian: apt-get install prometheus)")
    return found


def shown(page: str) -> Labels:
    """Return the labels of each metric on a page for Prometheus."""
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found[sample.name] |= set(sample.labels)
    return found


def expressions(dashboard: Mapping[str, Any]) -> list[str]:
    """Return every expression of a dashboard, as Grafana sends it for production."""
    texts = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    texts += [each["expr"] for each in dashboard["annotations"]["list"]]
    texts += re.findall(r"label_values\((.*), \w+\)", dashboard["templating"]["list"][1]["query"]["query"])
    return [text.replace("$environment", "production").replace("$__rate_interval", "5m") for text in texts]


def complaints(exprs: Iterable[str], known: Labels) -> Iterator[str]:
    """Yield what expressions read that is not known: metrics, and labels that the metric, or all in an expression, lack."""
    for expr in exprs:
        there: set[str] = set()
        for metric, inside in SELECTOR.findall(expr):
            if metric not in known:
                yield f"{metric} is exported nowhere: {expr}"
                continue
            there |= known[metric]
            yield from (
                f"{metric} has no label {label}: {expr}" for label in MATCHER.findall(inside) if label not in known[metric]
            )
        for label in re.findall(r"\w+", " ".join(GROUPED.findall(expr))):
            if label not in there:
                yield f"nothing has the label {label}: {expr}"
        for bare in OURS.findall(SELECTOR.sub("", expr)):
            yield f"{bare} is read of every project: {expr}"
