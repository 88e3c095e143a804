"""Figures on scaling: measured limits, the simulation beside the real service, and the rule for capacity."""

from typing import Any

import pytest

from tests.figures.tables import format_row, read_document, read_result

SCENARIOS = {
    "step": "a step to 4 workers' work, for 10 minutes",
    "bursts": "a minute of 6 workers' work in each 10, else 0.5",
    "rise": "a rise to 6 workers' work and back, in an hour",
}
STARTS = {
    "later": "KEDA",
    "first": "KEDA, kernels compiled at each start",
    "node": "KEDA, a new node for each worker",
}
KINDS = {"real": "network and encoder", "sleeping": "0.1 s of sleep"}


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """Return the committed result."""
    return read_result("scale.json")


def format_time(seconds: float) -> str:
    """Return a wait as the tables show it."""
    return f"{1e3 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def test_limits_of_one_core(result: dict[str, Any]) -> None:
    text = read_document("operations.md")
    for row in limit_rows(result):
        assert row in text


def limit_rows(result: dict[str, Any]) -> list[str]:
    """Return the rows of what one core of front end and Valkey carries."""
    rows = []
    for size, figures in result["measured"]["sizes"].items():
        limits = result["measured"]["limits"][size]
        megabytes = figures["mean_sent_bytes"] / 1e6
        rows.append(
            format_row(
                size,
                f"{megabytes:.{2 if megabytes < 1 else 1}f}",
                f"{figures['cpu_ms_per_image']['app']:.1f}",
                f"{limits['app']['images_per_s']:.0f}",
                f"{figures['cpu_ms_per_image']['redis']:.1f}",
                f"{limits['redis']['images_per_s']:.0f}",
                f"{limits['redis']['sent_bytes_per_s'] / 1e6:.0f}",
            )
        )
    return rows


def test_workers_for_an_offered_load(result: dict[str, Any]) -> None:
    text = read_document("operations.md")
    for row in reserve_rows(result):
        assert row in text


def reserve_rows(result: dict[str, Any]) -> list[str]:
    """Return the rows of R: the workers and the 95th percentile of the wait for each reserve."""
    by_offered: dict[float, list[str]] = {}
    for row in result["simulated"]["reserve"]:
        cell = f"{row['workers']}: {format_time(row['wait_p95_s'])}"
        by_offered.setdefault(row["offered"], []).append(cell)
    return [format_row(f"{offered:g}", *cells) for offered, cells in by_offered.items()]


def test_waits_by_load(result: dict[str, Any]) -> None:
    text = read_document("operations.md")
    for row in load_rows(result):
        assert row in text


def load_rows(result: dict[str, Any]) -> list[str]:
    """Return the rows of numbers of workers: the 95th percentile of the wait at each load."""
    by_workers: dict[tuple[str, int], list[str]] = {}
    for row in result["simulated"]["fixed"]:
        wait = format_time(row["wait_p95_s"]) if row["valkey_load"] < 1 else "–"
        by_workers.setdefault((row["arrivals"], row["workers"]), []).append(wait)
    numbers = [workers for arrivals, workers in by_workers if arrivals == "bursty"]
    return [
        format_row(str(workers), *by_workers["poisson", workers], *by_workers["bursty", workers])
        for workers in numbers
    ]


def test_what_keda_costs(result: dict[str, Any]) -> None:
    text = read_document("operations.md")
    for row in scaled_rows(result):
        assert row in text


def scaled_rows(result: dict[str, Any]) -> list[str]:
    """Return the rows of scenarios with the settings of docker/kubernetes, and with fixed workers."""
    rows = []
    for row in result["simulated"]["scaled"]:
        if row["target_s"] not in {2, None}:
            continue
        name = STARTS[row["start"]] if row["start"] else f"{row['most_workers']} workers"
        rows.append(
            format_row(
                SCENARIOS[row["scenario"]],
                name,
                f"{100 * row['lost_share']:.1f} %",
                format_time(row["wait_mean_s"]),
                format_time(row["wait_p95_s"]),
                format_time(row["wait_p99_s"]),
                f"{row['worker_s_per_1000']:.0f}",
                f"{100 * row['idle_share']:.0f} %",
            )
        )
    return rows


def test_targets_of_the_wait(result: dict[str, Any]) -> None:
    text = read_document("operations.md")
    for row in target_rows(result):
        assert row in text


def target_rows(result: dict[str, Any]) -> list[str]:
    """Return the rows of KEDA's targets: refused photos and cost of each scenario."""
    by_target: dict[float, list[str]] = {}
    for row in result["simulated"]["scaled"]:
        if row["start"] == "later":
            cells = [f"{100 * row['lost_share']:.1f} %", f"{row['worker_s_per_1000']:.0f}"]
            by_target.setdefault(row["target_s"], []).extend(cells)
    return [format_row(f"{target:g} s", *cells) for target, cells in sorted(by_target.items())]


def test_the_simulation_beside_the_real_service(result: dict[str, Any]) -> None:
    text = read_document("benchmarks.md")
    for row in validation_rows(result):
        assert row in text


def validation_rows(result: dict[str, Any]) -> list[str]:
    """Return the rows of simulated and measured waits, and their ratios."""
    rows = []
    for kind, title in KINDS.items():
        for row in result["simulated"]["validation"][kind]:
            cells = [
                f"{row[name]['simulated_ms']:.0f} / {row[name]['measured_ms']:.0f} = "
                f"{row[name]['ratio']:.2f}"
                for name in ("mean", "p95")
            ]
            rows.append(format_row(title, f"{100 * row['share']:.0f} %", *cells))
    return rows


def test_throughput_over_workers(result: dict[str, Any]) -> None:
    text = read_document("benchmarks.md")
    for row in throughput_rows(result):
        assert row in text


def throughput_rows(result: dict[str, Any]) -> list[str]:
    """Return the rows of numbers of workers: photos per second by service time and front ends."""
    by_workers: dict[int, list[str]] = {}
    for cell in result["measured"]["cells"]:
        by_workers.setdefault(cell["workers"], []).append(f"{cell['images_per_s']:.1f}")
    return [format_row(str(workers), *cells) for workers, cells in by_workers.items()]
