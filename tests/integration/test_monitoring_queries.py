"""Every metric and label in the alert rules and the dashboard is exported by a running service."""

import re
from collections.abc import Iterator

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docker.test_monitoring import read_alerts, read_dashboard
from tests.integration.http_requests import get, post
from tests.integration.running import run_service
from tests.photos import file_of, photo

# Labels that Prometheus adds.
OWN_LABELS = {"job", "instance", "le"}
OWN_METRICS = {"up"}
# Without a sample on a machine without a GPU: name and labels.
ON_GPUS = {"foveate_worker_device_memory_bytes": {"worker"}}
# Labels whose values don't depend on what happened.
CLOSED_LABELS = {"stage", "outcome", "route", "task"}

Exported = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return the values of each label of each metric that a service exports after some requests."""
    settings = {"FETCH_KEYS": "k" * 32, "FETCH_HOSTS": "example.org"}
    folder = tmp_path_factory.mktemp("service")
    # Two front ends: their own counts come from files, the rest does not.
    with run_service(folder, "--front-ends", "2", pass_s=0.0, **settings) as service:
        data = file_of(photo(64, 48), "JPEG")
        for content in (data, data, b"no photo"):
            post(f"{service.url}/compress", content=content)
        get(f"{service.url}/fetch/wrong/-/aHR0cDovL2V4YW1wbGUub3JnLw")
        found: Exported = {name: {label: set() for label in ON_GPUS[name]} for name in ON_GPUS}
        for family in text_string_to_metric_families(get(f"{service.url}/metrics").text):
            for sample in family.samples:
                labels = found.setdefault(sample.name, {})
                for name, value in sample.labels.items():
                    labels.setdefault(name, set()).add(value)
    return found


def list_queries() -> Iterator[tuple[str, str]]:
    for alert in read_alerts():
        yield alert["alert"], alert["expr"]
    for panel in read_dashboard()["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]


def read_selectors(query: str) -> list[promql_parser.VectorSelector]:
    """Return the metrics of a query with their matchers."""
    found = []

    def visit(expression: promql_parser.Expr) -> None:
        if isinstance(expression, promql_parser.VectorSelector):
            found.append(expression)

    promql_parser.walk(parse(query), visit)
    return found


def read_grouped_labels(query: str) -> set[str]:
    """Return the labels that a query groups by."""
    found: set[str] = set()

    def visit(expression: promql_parser.Expr) -> None:
        if isinstance(expression, promql_parser.AggregateExpr) and expression.modifier:
            found.update(expression.modifier.labels)

    promql_parser.walk(parse(query), visit)
    return found


def parse(query: str) -> promql_parser.Expr:
    """Return the query's tree; Grafana puts a duration in the place of its variable."""
    return promql_parser.parse(query.replace("$__rate_interval", "1m"))


@pytest.mark.parametrize(("where", "query"), list(list_queries()))
def test_the_service_exports_what_a_query_reads(where: str, query: str, exported: Exported) -> None:
    selectors = read_selectors(query)
    assert selectors, where
    labels: set[str] = set()
    for selector in selectors:
        name = selector.name
        assert name in exported or name in OWN_METRICS, f"{where}: no metric {name}"
        labels |= exported.get(name, {}).keys()
        for matcher in selector.matchers.matchers:
            known = exported.get(name, {}).get(matcher.name)
            assert known is not None or matcher.name in OWN_LABELS, f"{where}: {matcher.name}"
            if matcher.name in CLOSED_LABELS:
                assert matcher.value in (known or ()), f"{where}: {matcher.name}={matcher.value}"
    assert read_grouped_labels(query) <= labels | OWN_LABELS, where


def test_a_legend_names_labels_of_its_query(exported: Exported) -> None:
    for panel in read_dashboard()["panels"]:
        for target in panel["targets"]:
            known = set(OWN_LABELS)
            for selector in read_selectors(target["expr"]):
                known |= exported.get(selector.name, {}).keys()
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known, panel["title"]


def test_every_metric_is_on_the_dashboard(exported: Exported) -> None:
    shown = {selector.name for _, query in list_queries() for selector in read_selectors(query)}
    shown = {re.sub("_(total|sum|count|bucket|created)$", "", name) for name in shown}
    known = {re.sub("_(total|sum|count|bucket|created)$", "", name) for name in exported}
    assert known <= shown
