"""Figures on scaling: measured limits, the simulation beside the real service, and the rule for capacity."""

import statistics
from typing import Any

import pytest

from bench.scale.forecast import validate
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
                f"{figures['cpu_ms_per_image']['redis']:.2f}",
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
    """Return the rows of R: workers and 95th percentile of the wait for each reserve; idle time, cost."""
    by_offered: dict[float, list[dict[str, Any]]] = {}
    for row in result["simulated"]["reserve"]:
        by_offered.setdefault(row["offered"], []).append(row)
    rows = []
    for offered, found in by_offered.items():
        waits = [f"{row['workers']}: {format_time(row['wait_p95_s'])}" for row in found]
        (chosen,) = (row for row in found if row["reserve"] == 1)
        idle, cost_s = 100 * chosen["idle_share"], chosen["worker_s_per_1000"]
        rows.append(format_row(f"{offered:g}", *waits, f"{idle:.0f} %", f"{cost_s:.0f}"))
    return rows


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


def test_all_simulated_means_are_within_a_tenth(result: dict[str, Any]) -> None:
    rows = [row for own in result["simulated"]["validation"].values() for row in own]
    assert max(abs(row["mean"]["ratio"] - 1) for row in rows) <= 0.1
    far = [row["p95"]["ratio"] for row in rows if abs(row["p95"]["ratio"] - 1) > 0.1]
    percents = [f"{100 * (1 - ratio):.0f}" for ratio in far]
    text = read_document("benchmarks.md")
    assert (
        f"All means agree within 10 %. Two percentiles are {' and '.join(percents)} % low" in text
    )


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


def test_figures_in_sentences(result: dict[str, Any]) -> None:
    text = read_document("operations.md")
    decision = read_document("decisions/0056-one-redis-carries-one-installation.md")
    found = find_figures(result)
    assert f"that take a worker of one thread {found['mean_ms']} ms" in text
    assert f"ready in {found['later_s']} s, {found['first_s']} s or 90 s" in text
    assert f"a small photo costs {found['valkey_ms']} ms of Valkey" in text
    assert f"the limit is {found['valkey_per_s']} per second" in text
    assert f"{found['valkey_workers']} busy workers of {found['mean_ms']} ms" in text
    assert f"which costs Valkey {found['poll_ms']} ms per second" in text
    assert f"others used {found['others']} on average" in read_document("benchmarks.md")
    assert f"spends {found['worker_cpu']} ms CPU on that small photo" in decision
    assert f"Valkey {found['valkey_ms']}." in decision
    assert f"about {found['cores_ratio']} cores of workers" in decision
    assert f"takes up to {found['poll_share']} of Valkey's core" in decision
    assert f"carry {found['linear']} of the photos that their sleep allows" in decision
    benchmarks = read_document("benchmarks.md")
    assert f"with their number: {found['use_text']}." in text
    assert f"are {found['most_images']} photos/s, and {found['most_mb']} MB/s" in benchmarks
    assert f"the means are {found['again_ratios']} of the measured ones" in benchmarks
    assert f"({found['one_ms']} and {found['eight_ms']} ms of worker for each photo)" in benchmarks
    assert f"had {found['again_linear']} photos/s with one, two, four and eight" in benchmarks
    assert f"{found['again_valkey']} ms of Valkey for a small photo at full load" in benchmarks
    assert f"instead of {found['valkey_full']}." in benchmarks
    limits = result["measured"]["limits"]["4000×3000"]["redis"]
    assert f"{found['valkey_per_s']} photos of 0.4 megapixels" in decision
    assert f"{limits['images_per_s']:.0f} of 12 megapixels" in decision
    assert f"{limits['sent_bytes_per_s'] / 1e6:.0f} MB/s" in decision


def find_figures(result: dict[str, Any]) -> dict[str, str]:
    """Return the figures of sentences as they stand in the documents."""
    measured, simulated = result["measured"], result["simulated"]
    costs, mean_s = simulated["costs"], simulated["mean_service_s"]
    worker_ms = measured["traces"]["real"]["loaded"][0]["cpu_ms_per_image"]["worker"]
    again = read_result("scale_again.json")["measured"]
    (linear,) = (
        cell["images_per_s"] * cell["service_s"] / cell["workers"]
        for cell in measured["cells"]
        if (cell["service_s"], cell["workers"], cell["front_ends"]) == (0.1, 8, 1)
    )
    cells = [*measured["cells"], *measured["sizes"].values()]
    uses = {row["workers"]: f"{100 * row['load']:.0f} %" for row in simulated["reserve"]}
    means = [row["mean"]["ratio"] for own in validate(again).values() for row in own]
    others = [cell["cores"]["others"] for cell in measured["cells"]]
    polls_per_s = 50
    one, *_, eight = (
        cell["cpu_ms_per_image"]["worker"]
        for cell in measured["cells"]
        if (cell["service_s"], cell["front_ends"]) == (0, 1)
    )
    rates = [
        f"{cell['images_per_s']:.1f}"
        for cell in again["cells"]
        if (cell["service_s"], cell["front_ends"]) == (0.1, 1)
    ]
    valkey_full, valkey_again = (
        each["sizes"]["768×512"]["cpu_ms_per_image"]["redis"] for each in (measured, again)
    )
    return {
        "mean_ms": f"{1e3 * mean_s:.0f}",
        "later_s": f"{simulated['starts_s']['later']:.1f}",
        "first_s": f"{simulated['starts_s']['first']:.0f}",
        "valkey_ms": f"{1e3 * costs['valkey_s']:.2f}",
        "valkey_per_s": f"{1 / costs['valkey_s']:.0f}",
        "valkey_workers": f"{mean_s / costs['valkey_s']:.0f}",
        "poll_ms": f"{1e3 * polls_per_s * costs['poll_s']:.1f}",
        "poll_share": f"{100 * 200 * polls_per_s * costs['poll_s']:.0f} %",
        "worker_cpu": f"{worker_ms:.0f}",
        "cores_ratio": f"{worker_ms / 1e3 / costs['valkey_s']:.0f}",
        "linear": f"{100 * linear:.0f} %",
        "use_text": f"{uses[2]} for two, {uses[14]} for 14, {uses[110]} for 110",
        "most_images": f"{max(cell['images_per_s'] for cell in cells):.0f}",
        "most_mb": f"{max(cell['sent_bytes_per_s'] for cell in cells) / 1e6:.0f}",
        "again_ratios": f"{min(means):.2f} to {max(means):.2f}",
        "one_ms": f"{one:.1f}",
        "eight_ms": f"{eight:.1f}",
        "again_linear": f"{', '.join(rates[:-1])} and {rates[-1]}",
        "again_valkey": f"{valkey_again:.2f}",
        "valkey_full": f"{valkey_full:.2f}",
        "others": f"{statistics.fmean(others):.1f}",
    }
