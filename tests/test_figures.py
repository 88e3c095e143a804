"""Every figure that README quotes stands in the result file that it names."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
RESULTS = ROOT / "bench" / "results"


def result(name: str) -> dict[str, Any]:
    """Return a committed result file."""
    loaded: dict[str, Any] = json.loads((RESULTS / name).read_text())
    return loaded


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


@pytest.mark.parametrize("quality", [50, 75])
def test_photos_through_the_service(quality: int) -> None:
    means = result(f"photos_q{quality}.json")["summary"]
    assert (
        row(
            str(quality),
            f"{means['bytes_ratio_min']:.3f} to {means['bytes_ratio_max']:.3f}",
            f"{means['psnr_s_gain']:+.2f} dB",
            f"{means['psnr_y_gain']:+.2f} dB",
        )
        in README
    )


@pytest.mark.parametrize("quality", ["50", "75"])
def test_the_encoder_and_its_control(quality: str) -> None:
    summary = result("rd_kodak.json")["by_quality"][quality]["summary"]
    for name, strength in (("foveate_uniform", "0"), ("foveate", "0.6"), ("foveate_full", "1")):
        gain = {key: summary[name][key] - mean for key, mean in summary["standard"].items()}
        cells = [f"{gain['psnr_s']:+.2f}", f"{gain['psnr_y']:+.2f}", f"{gain['psnr']:+.2f}"]
        cells += [f"{100 * gain[key]:+.2f}" for key in ("ssim", "ms_ssim", "vifp")]
        cells += [f"{gain['psnr_hvs']:+.2f}", f"{gain['psnr_hvs_m']:+.2f}"]
        assert row(quality, strength, *cells) in README


@pytest.mark.parametrize("quality", ["50", "75"])
def test_rivals_where_people_look(quality: str) -> None:
    summary = result("rd_osie.json")["by_quality"][quality]["summary"]
    standard = summary["standard"]
    names = {"foveate": "`foveate`", "foveate_uniform": "`foveate_uniform`, no map"}
    for name, label in {**names, "mozjpeg": "mozjpeg", "jpegli": "jpegli"}.items():
        own = summary[name]
        gain = {key: own[key] - mean for key, mean in standard.items()}
        share = own["butteraugli_gaze"] / standard["butteraugli_gaze"] - 1
        cells = [f"{gain['psnr_gaze']:+.2f} dB", f"{gain['ssimulacra2_gaze']:+.2f}"]
        cells += [f"{100 * share:+.0f} %", f"{gain['ssimulacra2']:+.2f}"]
        assert row(quality, label, *cells) in README


def test_bytes_for_the_same_look() -> None:
    curve = result("rd_osie_curve.json")
    over = {"standard": curve["bd_rate"], **curve["bd_rate_over"]}
    saved = {
        name: f"{-rates['foveate']['ssimulacra2_gaze']['percent']:.0f} % fewer"
        for name, rates in over.items()
    }
    assert f"{saved['standard']} bytes for the same look than the standard JPEG" in README
    assert f"{saved['mozjpeg']} than mozjpeg and {saved['jpegli']} than jpegli" in README
    own = result("rd_kodak.json")["by_quality"]["75"]["summary"]["foveate_quality"]
    assert f"{100 * own['bytes_ratio']:.0f} % of the standard JPEG's bytes" in README
    assert f"{100 * own['bytes_over_mozjpeg']:.0f} % of those that mozjpeg takes" in README


def test_photos_that_are_better_where_people_look() -> None:
    measured = result("rd_osie.json")
    wins = [
        measured["by_quality"][quality]["wins"]["foveate"][rival]["ssimulacra2_gaze"]
        for rival in ("mozjpeg", "jpegli")
        for quality in ("50", "75")
    ]
    photos = measured["meta"]["photos"]
    assert (
        f"ahead of mozjpeg on {wins[0]} and {wins[1]} of the {photos} photos, "
        f"of jpegli on {wins[2]} and {wins[3]}." in README
    )


def test_maps_against_recorded_gaze() -> None:
    summaries = [result(f"saliency_{name}.json")["summary"] for name in ("osie", "crowd", "sun")]
    for name in ("foveate", "foveate_weak", "cam", "centre", "attention_center"):
        cells = [
            f"{summary[name]['nss']:.2f}, {100 * summary[name]['captured_25']:.0f} %"
            for summary in summaries
        ]
        assert row(f"`{name}`", *cells) in README


def test_time_and_memory_of_the_service() -> None:
    measured = result("service.json")
    for clients in ("1", "16"):
        figures = measured["clients"][clients]
        stages = figures["stage_ms"]
        assert (
            row(
                clients,
                f"{figures['images_per_s']:.1f}",
                f"{figures['p50_ms']:.0f}",
                f"{figures['p99_ms']:.0f}",
                f"{figures['mean_batch']:.1f}",
                *(
                    f"{stages[stage]['p50']:.0f}"
                    for stage in ("queue", "decode", "predict", "encode")
                ),
                *(
                    f"{figures['cpu_ms_per_image'][role]:.1f}"
                    for role in ("app", "worker", "redis")
                ),
            )
            in README
        )
    for moment in ("ready", "after_500_uploads", "after_24_megapixels"):
        peaks = measured["memory"][moment]
        sizes = [f"{peaks[role] / 2**20:.0f} MiB" for role in ("app", "worker")]
        assert row(moment.replace("_", " "), *sizes) in README


def test_a_folder_through_the_command_line() -> None:
    text = (DOCS / "cli.md").read_text()
    summary = result("folder.json")["summary"]
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
    text = (DOCS / "benchmarks.md").read_text()
    chaos = result("chaos.json")
    ends = chaos["ends"]
    assert chaos["faults"] == {}
    assert f"{chaos['requests']:,} requests and {sum(chaos['acts'].values())} acts" in text
    assert f"{ends['200']:,} JPEGs, {ends['422']} refusals of damaged photos" in text
    assert f"{ends['503']} times 503, {ends['connection broken']} broken connections" in text
    assert f"after {chaos['slowest_s']:.1f} s" in text


def test_equal_uploads() -> None:
    text = (DOCS / "benchmarks.md").read_text()
    cache = result("cache.json")["summary"]
    hit, miss = cache["hit"], cache["miss"]
    assert (
        f"A hit takes {hit['p50_ms']:.1f} ms at the median (p99 {hit['p99_ms']:.1f} ms), "
        f"a miss {miss['p50_ms']:.0f} ms"
    ) in text
    together = cache["together"]
    assert (together["clients"], together["answered"], together["computed"]) == (100, 100, 1)


def test_what_http_and_queue_cost() -> None:
    text = (DOCS / "benchmarks.md").read_text()
    front, service = result("front.json")["summary"], result("service.json")["serving"]["servers"]
    ratio = front["ratio"]
    assert f"{front['this']['both_cpu_ms_per_image']:.1f} ms (`front.json`)" in text
    assert (
        f"{ratio['p50']:.2f} times what the version before these steps took "
        f"({min(ratio['all']):.2f} to {max(ratio['all']):.2f})"
    ) in text
    spent = service["foveate"]["cpu_ms_per_image"]
    assert f"they take {spent['app'] + spent['redis']:.1f} ms (`service.json`" in text
    times = {name: f"{own['ratio']['images_per_s']:.2f} times" for name, own in service.items()}
    scaled, single = times["mosec, 2 workers"], times["mosec"]
    assert f"it makes {scaled} as many images/s as ours, with one {single} as many" in text
    scaled, single = times["litserve, 2 workers"], times["litserve"]
    assert f"LitServe makes {single} as many, with two workers {scaled} (`service.json`)" in text


def test_slow_clients() -> None:
    text = (DOCS / "benchmarks.md").read_text()
    measured = result("slow_clients.json")
    assert measured["loss"] < 0.1
    losses = measured["losses"]
    assert (
        f"{100 * measured['loss']:.1f} % over {len(losses)} pairs, which lay between "
        f"{100 * min(losses):.0f} % and {100 * max(losses):.0f} %"
    ) in text
    cpu_ms = {
        (kind, role): 1e3
        * sum(one["cpu_s"][role] for one in rounds)
        / sum(one["images_per_s"] * measured["meta"]["seconds"] for one in rounds)
        for kind, rounds in measured["rounds"].items()
        for role in ("app", "worker", "redis")
    }
    more_ms = cpu_ms["with", "app"] - cpu_ms["without", "app"]
    all_ms = sum(value for (kind, _), value in cpu_ms.items() if kind == "without")
    assert f"{more_ms:.1f} ms more expensive to the front end, of {all_ms:.0f} in all" in text


def test_other_servers_with_the_same_behind_them() -> None:
    serving = result("service.json")["serving"]
    labels = {
        "foveate": "**Foveate**", "foveate, 1 worker": "Foveate, 1 worker",
        "before": "the version before", "mosec": "mosec", "mosec, 2 workers": "mosec, 2 workers",
        "litserve": "LitServe", "litserve, 2 workers": "LitServe, 2 workers",
        "inprocess": "FastAPI, batching in its own process",
    }  # fmt: skip
    assert serving["servers"].keys() == labels.keys()
    assert serving["workers"] == 2
    for name, label in labels.items():
        server = serving["servers"][name]
        ratio = server["ratio"]
        times = f"{ratio['images_per_s']:.2f} ± {ratio['standard_error']:.2f}"
        cells = [f"{server['images_per_s']:.1f}", "1" if name == "foveate" else times]
        cells.append(f"{server['p50_ms']:.0f}")
        spent = server["cpu_ms_per_image"]
        cpu_ms = spent["all"] if "all" in spent else sum(spent.values())
        assert row(label, *cells, f"{cpu_ms:.0f}") in README
    alone = serving["alone"]["batch"]["cpu_ms"]
    assert row("the stages alone, no server", "", "", "", f"{alone:.0f}") in README
    assert f"ours answers after {serving['single_client']['p50_ms']:.0f} ms" in README
