"""docs/operations.md and docker-compose.yml keep up with the settings and metrics in the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from app.queue.rq_jobs import JOB_TIMEOUT_S
from app.settings import AppSettings
from app.telemetry.metrics import Metrics
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
TEXT = (ROOT / "docs" / "operations.md").read_text("utf-8")
SETTINGS: dict[str, type[BaseSettings]] = {
    "### Front end": AppSettings,
    "### Worker": WorkerSettings,
}
# Settings that determine how long a front end drains.
TIMEOUTS = ("UPLOAD_TIMEOUT_S", "REQUEST_TIMEOUT_S")
# Depends on the machine.
NO_FIXED_DEFAULT = {"codec_threads"}


def rows_below(heading: str) -> dict[str, str]:
    """Return first and second column of the table below a heading, without code marks."""
    section = re.split(
        r"^#+ ", TEXT.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE
    )[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \|", section, flags=re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


@pytest.mark.parametrize("heading", SETTINGS)
def test_every_setting_has_its_row_and_no_row_is_left_over(heading: str) -> None:
    assert set(rows_below(heading)) == {name.upper() for name in SETTINGS[heading].model_fields}


@pytest.mark.parametrize("heading", SETTINGS)
def test_the_rows_state_the_defaults(heading: str) -> None:
    rows = rows_below(heading)
    for name, field in SETTINGS[heading].model_fields.items():
        if name not in NO_FIXED_DEFAULT:
            assert rows[name.upper()] == shown(field.default), name


def shown(default: Any) -> str:
    """Return a default as a table has it."""
    if default in (None, (), ""):
        return "–"
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_every_metric_is_listed() -> None:
    for family in Metrics().registry.collect():
        suffix = "_total" if family.type == "counter" else ""
        assert f"`{family.name}{suffix}" in TEXT, family.name


def test_compose_sets_no_unknown_setting() -> None:
    known = {"OMP_NUM_THREADS"}
    settings: list[type[BaseSettings]] = [AppSettings, WorkerSettings]
    for declared in settings:
        known |= {name.upper() for name in declared.model_fields}
    for name, service in COMPOSE["services"].items():
        assert set(service.get("environment", {})) <= known, name
        assert "REDIS_URL" in service.get("environment", {}) or name == "redis"


def test_compose_publishes_on_this_machine_only() -> None:
    published = [
        port for service in COMPOSE["services"].values() for port in service.get("ports", ())
    ]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize(
    ("service", "longest_s"),
    [
        ("app", AppSettings().drain_s),
        ("worker", JOB_TIMEOUT_S),
        ("worker-cuda", JOB_TIMEOUT_S),
    ],
)
def test_compose_kills_nothing_that_still_drains(service: str, longest_s: int) -> None:
    declared = COMPOSE["services"][service]
    assert int(declared["stop_grace_period"].removesuffix("s")) >= longest_s + 10
    assert not declared["environment"].keys() & set(TIMEOUTS)


@pytest.mark.parametrize("image", ["app", "worker"])
def test_an_image_stops_by_the_signal_that_drains(image: str) -> None:
    """Docker's default is SIGTERM, and the command in its exec form gets it."""
    text = (ROOT / "docker" / f"{image}.Dockerfile").read_text()
    assert "STOPSIGNAL" not in text
    assert re.search(r"^CMD \[", text, flags=re.MULTILINE)
