"""Figures on kills, slow clients, folders and equal uploads."""

from tests.figures.tables import read_document, read_result


def test_a_folder_through_the_command_line() -> None:
    text = read_document("cli.md")
    summary = read_result("folder.json")["summary"]
    assert summary["decoded"] == summary["photos"] == 500
    assert f"{summary['killed_after']} were done when it was killed" in text
    assert f"the other {summary['resumed']['compressed']}" in text
    client, service = (summary["cpu_ms_per_image"][key] for key in ("client", "service"))
    share = 100 * summary["client_share_of_service"]
    assert (
        f"{client:.1f} ms of CPU time per photo, {share:.1f} % of the service's {service:.1f}"
        in text
    )
    assert f"{summary['client_peak_rss_bytes'] / 1e6:.0f} MB of memory" in text
    assert f"takes {summary['nothing_to_do']['elapsed_s']:.1f} s" in text


def test_ten_minutes_of_chaos() -> None:
    text = read_document("benchmarks.md")
    chaos = read_result("chaos.json")
    ends = chaos["ends"]
    assert chaos["faults"] == {}
    assert (chaos["lost"], chaos["wrong"], chaos["empty"]) == (0, 0, 0)
    assert chaos["memory"]["after_s"] < 60
    counts = f"{chaos['requests']:,} requests, {sum(chaos['acts'].values())} acts"
    assert f"{counts} and {sum(chaos['cuts'].values())} cut connections" in text
    assert f"{ends['200']:,} JPEGs, {ends['422']} refusals of damaged photos" in text
    assert f"{ends['503']} times 503, {ends['connection broken']} broken connections" in text
    assert f"after {chaos['slowest_s']:.1f} s" in text


def test_goodput_at_twice_the_capacity() -> None:
    rates = read_result("overload.json")["foveate"]["rates"]
    (twice,) = (one for one in rates if one["multiple"] == 2)
    assert (
        f"{100 * twice['goodput_share']:.0f} % of its photos and "
        f"{100 * twice['goodput_megapixel_share']:.0f} % of its pixels are in time, none is late "
        f"and none gets 504; a refusal takes {twice['refused_p50_ms']:.0f} ms at the median"
    ) in read_document("benchmarks.md")
    for one in rates:
        assert one["late"] == 0
        assert "504" not in one["statuses"]


def test_silent_clients() -> None:
    measured = read_result("silent_clients.json")
    assert len(measured["states"]) == 1 + 12
    assert all(state["errors"] == {} for state in measured["states"].values())
    peak = f"peak was {measured['peak_rss_bytes'] / 1e6:.0f} MB after all twelve states"
    assert peak in read_document("benchmarks.md")


def test_equal_uploads() -> None:
    cache = read_result("cache.json")["summary"]
    hit, miss = cache["hit"], cache["miss"]
    assert (
        f"A hit takes {hit['p50_ms']:.1f} ms at the median (p99 {hit['p99_ms']:.1f} ms), "
        f"a miss {miss['p50_ms']:.0f} ms"
    ) in read_document("benchmarks.md")
    decision = read_document("decisions/0012-who-owns-a-picture.md")
    assert f"A hit takes {hit['p50_ms']:.1f} ms, a miss {miss['p50_ms']:.0f} ms" in decision
    together = cache["together"]
    assert (together["clients"], together["answered"], together["computed"]) == (100, 100, 1)


def test_slow_clients() -> None:
    text = read_document("benchmarks.md")
    measured = read_result("slow_clients.json")
    assert measured["loss"] < 0.1
    losses = measured["losses"]
    assert (
        f"{100 * measured['loss']:.1f} % over {len(losses)} pairs, which lay between "
        f"{100 * min(losses):.0f} % and {100 * max(losses):.0f} %"
    ) in text
    spent_ms = {
        (kind, role): 1e3
        * sum(one["cpu_s"][role] for one in rounds)
        / sum(one["images_per_s"] * measured["meta"]["seconds"] for one in rounds)
        for kind, rounds in measured["rounds"].items()
        for role in ("app", "worker", "redis")
    }
    more_ms = spent_ms["with", "app"] - spent_ms["without", "app"]
    all_ms = sum(value for (kind, _), value in spent_ms.items() if kind == "without")
    assert f"{more_ms:.1f} ms more expensive to the front end, of {all_ms:.0f} in all" in text
