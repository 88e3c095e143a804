"""Alert rules, dashboard and runbook belong together, and Prometheus' own tool accepts the rules."""

import json
import re
import shutil
import subprocess
from typing import Any

import yaml

from tests.conftest import ROOT, needs

FOLDER = ROOT / "docker" / "monitoring"
PROMTOOL = shutil.which("promtool")


def read_alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def read_dashboard() -> dict[str, Any]:
    text = (FOLDER / "grafana" / "dashboards" / "foveate.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def test_every_alert_has_its_paragraph_and_no_paragraph_is_left_over() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    names = [alert["alert"] for alert in read_alerts()]
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == names
    for paragraph in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        assert "**Meaning:**" in paragraph
        assert "**Do:**" in paragraph


def test_every_alert_names_its_paragraph_and_how_bad_it_is() -> None:
    for alert in read_alerts():
        anchor = alert["alert"].lower()
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{anchor}"
        assert alert["labels"]["severity"] in {"critical", "warning"}


@needs(PROMTOOL, "promtool is not installed (Debian: prometheus)")
def test_prometheus_accepts_rules_and_configuration() -> None:
    assert PROMTOOL
    command = [PROMTOOL, "check", "config", str(FOLDER / "prometheus.yml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(read_alerts())} rules found" in checked.stdout


def test_panels_have_a_title_and_places_of_their_own() -> None:
    panels = read_dashboard()["panels"]
    titles = [panel["title"] for panel in panels]
    assert len(titles) == len(set(titles))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(places) == len(set(places))
    source = yaml.safe_load(
        (FOLDER / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8")
    )
    (uid,) = [one["uid"] for one in source["datasources"]]
    assert {target["datasource"]["uid"] for one in panels for target in one["targets"]} == {uid}
