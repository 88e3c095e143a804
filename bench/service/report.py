"""The summary of the service benchmark, and its tables for the terminal."""

from typing import Any, Final

from bench.service.ratios import list_ratios

SUMMARY: Final = (
    "images_per_s",
    "p50_ms",
    "p99_ms",
    "cpu_ms_per_image",
    "mean_batch",
    "stage_ms",
)
ROLES: Final = ("app", "worker", "redis")


def summarize_server(figures: dict[str, Any]) -> dict[str, Any]:
    """Return the figures by which servers are compared; None where a figure is unknown."""
    summary = {name: figures.get(name) for name in SUMMARY}
    cpu_ms = summary["cpu_ms_per_image"] or {}
    summary["cpu_ms_per_image"] = {role: cpu_ms.get(role) for role in ROLES}
    return summary


def print_report(report: dict[str, Any]) -> None:
    """Print the figures as small tables."""
    print(f"{report['meta']['photos']}; {report['meta']['options']}")
    print("closed loop")
    print_loads({f"{clients} clients": own for clients, own in report["clients"].items()})
    if report["open_loop"] is not None:
        print("open loop: images due per s; latency counts from the time a request was due")
        rates = report["open_loop"]["rates"]
        print_loads({f"{own['offered_images_per_s']:.1f}/s": own for own in rates})
    if "serving" in report:
        print_serving(report["serving"])
        print("\n".join(list_ratios(report["ratios"])))
    for moment, peaks in (report["memory"] or {}).items():
        if moment not in {"errors", "large_photo"}:
            sizes = ", ".join(f"{role} {size / 2**20:.0f} MiB" for role, size in peaks.items())
            print(f"peak memory {moment.replace('_', ' ')}: {sizes}")


def print_loads(loads: dict[str, dict[str, Any]]) -> None:
    """Print a table with a row for each load, by its name."""
    print(f"{'load':>11} {'images/s':>8} {'p50 ms':>7} {'p95 ms':>7} {'p99 ms':>7} "
          f"{'batch':>5}  stages p50 ms | CPU ms per image | errors")  # fmt: skip
    for name, figures in loads.items():
        latency = " ".join(f"{figures.get(f'p{p}_ms', float('nan')):7.1f}" for p in (50, 95, 99))
        stages = figures.get("stage_ms", {})
        times = " ".join(f"{stage} {own['p50']:.1f}" for stage, own in stages.items())
        gpu = figures["gpu_percent"]
        busy = f" | GPU {gpu:.0f} %" if gpu is not None else ""
        late = "" if figures.get("kept_up", True) else " | requests were sent late"
        print(f"{name:>11} {figures['images_per_s']:8.1f} {latency} "
              f"{figures['mean_batch'] or float('nan'):5.1f}  {times} | "
              f"{format_cpu(figures)} | {figures['errors'] or 'none'}{busy}{late}")  # fmt: skip


def print_serving(serving: dict[str, Any]) -> None:
    """Print a row for each server, and for the stages without a server."""
    for name, server in serving["servers"].items():
        ratio = server["ratio"]
        error = f" ± {ratio['standard_error']:.3f}" if ratio["standard_error"] else ""
        print(
            f"{name:>19} {server['images_per_s']:6.1f} images/s,"
            f" {ratio['images_per_s']:.3f}{error} times Foveate's, p50 {server['p50_ms']:.0f} ms,"
            f" batches of {server['mean_batch'] or float('nan'):.1f},"
            f" CPU ms per image: {format_cpu(server)}"
        )
    alone = serving["alone"]
    rows = {f"stages, {kind}": alone[kind] for kind in ("single", "batch")}
    rows |= {f"decode and mozjpeg, {query}": own for query, own in alone["mozjpeg"].items()}
    for name, own in rows.items():
        print(
            f"{'alone':>19} {name}: {own['cpu_ms']:.1f} ms of CPU time per image,"
            f" an image every {own['elapsed_ms']:.1f} ms"
        )
    for name in ("defaults", "single_client"):
        own = serving[name]
        print(
            f"{name.replace('_', ' '):>19} {own['images_per_s']:6.1f} images/s, p50"
            f" {own['p50_ms']:.1f} ms, CPU ms per image: {format_cpu(own)}"
        )


def format_cpu(figures: dict[str, Any]) -> str:
    """Return CPU times by role as text; they are unknown of a service that was not started here."""
    cpu_ms = figures["cpu_ms_per_image"]
    return " ".join(f"{role} {ms:.1f}" for role, ms in cpu_ms.items()) or "unknown"
