"""Every figure that README and docs quote stands in the result file that they name."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.charts import SERVERS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
RESULTS = ROOT / "bench" / "results"
QUALITIES = ("50", "75")

ENCODERS = {
    "foveate_uniform": "strength 0",
    "foveate@0.2": "0.2",
    "foveate@0.4": "0.4",
    "foveate": "**0.6**, the default",
    "foveate@0.8": "0.8",
    "foveate_full": "1",
    "libjpeg_progressive": "libjpeg, progressive",
    "mozjpeg": "mozjpeg",
    "mozjpeg_flat": "mozjpeg, flat table",
    "jpegli": "jpegli",
    "paper": "the paper's recipe",
}
DECIBELS = ("psnr_s", "psnr", "psnr_y")
SHARES = ("ssim", "ms_ssim", "vifp")
LATER = ("psnr_hvs", "psnr_hvs_m", "ssimulacra2", "ssimulacra2_gaze")


def result(name: str) -> dict[str, Any]:
    """Return a committed result file."""
    loaded: dict[str, Any] = json.loads((RESULTS / name).read_text())
    return loaded


def text_of(name: str) -> str:
    """Return a document: README.md, or one below docs."""
    return (ROOT / name if name == "README.md" else DOCS / name).read_text("utf-8")


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def signed(value: float, digits: int = 2) -> str:
    """Return a difference as the tables have it, with a typographic minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def gains(own: dict[str, float], standard: dict[str, float]) -> dict[str, float]:
    return {key: own[key] - standard[key] for key in standard if key in own}


@pytest.mark.parametrize("name", ["rd_osie.json", "rd_kodak.json"])
@pytest.mark.parametrize("quality", QUALITIES)
def test_encoders_at_equal_bytes(name: str, quality: str) -> None:
    text = text_of("research/quality.md")
    summary = result(name)["by_quality"][quality]["summary"]
    standard = summary["standard"]
    for encoder, label in ENCODERS.items():
        if encoder not in summary:
            continue
        gain = gains(summary[encoder], standard)
        share = summary[encoder]["butteraugli_gaze"] / standard["butteraugli_gaze"] - 1
        cells = [signed(gain[key]) for key in DECIBELS]
        cells += [signed(100 * gain[key]) for key in SHARES]
        cells += [signed(gain[key]) for key in LATER]
        assert row(quality, label, *cells, f"{signed(100 * share, 0)} %") in text, encoder


def test_one_photo_at_many_sizes() -> None:
    text = text_of("research/quality.md")
    images = result("rd_ladder.json")["images"]
    assert len(images) == 20
    for name, by_quality in images.items():
        photo = by_quality["50"]
        standard, own = photo["standard"], photo["foveate"]
        gain = gains(own, standard)
        control = gains(photo["foveate_uniform"], standard)
        cells = [name.rpartition("@")[2], f"{standard['bytes']:,}", f"{own['bytes_ratio']:.3f}"]
        cells += [signed(gain["psnr_s"]), signed(control["psnr_s"]), signed(gain["psnr"])]
        cells += [signed(100 * gain["ssim"]), signed(gain["psnr_hvs"]), signed(gain["psnr_hvs_m"])]
        assert row(*cells) in text


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_default_target(quality: str) -> None:
    summary = result("rd_kodak.json")["by_quality"][quality]["summary"]
    own = summary["foveate_quality"]
    gain = gains(own, summary["standard"])
    over = [f"{own[f'bytes_over_{rival}']:.3f}" for rival in ("standard", "mozjpeg", "jpegli")]
    bytes_ratio = f"{own['bytes_ratio']:.3f}"
    assert row(quality, bytes_ratio, *over) in text_of("codec.md")
    span = f"{own['bytes_ratio_min']:.2f} to {own['bytes_ratio_max']:.2f}"
    cells = [signed(gain[key]) for key in ("psnr_s", "ssimulacra2_gaze", "ssimulacra2")]
    cells.append(f"{own['passes']:.1f}")
    assert row(quality, bytes_ratio, span, *over, *cells) in text_of("research/quality.md")


def test_what_strength_does() -> None:
    text = text_of("api.md")
    summary = result("rd_kodak.json")["by_quality"]["75"]["summary"]
    labels = {"foveate_uniform": "0", "foveate": "0.6, the default", "foveate_full": "1"}
    for name, label in labels.items():
        gain = gains(summary[name], summary["standard"])
        keys = ("psnr_s", "psnr", "psnr_hvs", "ssimulacra2_gaze")
        assert row(label, *(f"{gain[key]:+.2f}" for key in keys)) in text


@pytest.mark.parametrize("quality", QUALITIES)
def test_photos_through_the_service(quality: str) -> None:
    means = result(f"photos_q{quality}.json")["summary"]
    span = f"{means['bytes_ratio_min']:.3f} to {means['bytes_ratio_max']:.3f}"
    cells = [f"{means[key]:+.2f}" for key in ("psnr_s_gain", "psnr_y_gain")]
    assert row(quality, span, *cells) in text_of("research/quality.md")


def test_bytes_for_the_same_look() -> None:
    curve = result("rd_osie_curve.json")
    over = {"standard": curve["bd_rate"], **curve["bd_rate_over"]}
    saved = {
        name: f"{-rates['foveate']['ssimulacra2_gaze']['percent']:.0f} % fewer"
        for name, rates in over.items()
    }
    mozjpeg = f"{saved['mozjpeg']} than mozjpeg"
    jpegli = f"{saved['jpegli']} than jpegli"
    readme = text_of("README.md")
    assert f"takes {saved['standard']} bytes than the standard JPEG, {mozjpeg}" in readme
    assert f"{mozjpeg} and {jpegli} (`rd_osie_curve.json`)" in readme
    notes = text_of("research/quality.md")
    assert f"{saved['standard']} than the standard JPEG, {mozjpeg}, {jpegli}." in notes
    assert f"{mozjpeg} and {jpegli} ([rd_osie_curve.json]" in text_of("comparison.md")
    own = result("rd_kodak.json")["by_quality"]["75"]["summary"]["foveate_quality"]
    decision = text_of("decisions/0022-quality-names-a-reference.md")
    assert f"takes {100 * own['bytes_ratio']:.0f} % of the reference's bytes" in decision


def test_the_whole_picture_pays() -> None:
    summary = result("rd_osie.json")["by_quality"]["50"]["summary"]
    gain = {name: summary[name]["ssimulacra2"] for name in ("foveate", "jpegli")}
    own, jpegli = (gain[name] - summary["standard"]["ssimulacra2"] for name in gain)
    assert jpegli > own
    assert f"SSIMULACRA2 {jpegli:+.2f} against {own:+.2f}" in text_of("comparison.md")


def test_maps_against_recorded_gaze() -> None:
    card, readme = text_of("model-card.md"), text_of("README.md")
    summaries = [result(f"saliency_{name}.json")["summary"] for name in ("osie", "crowd", "sun")]
    names = ("foveate", "foveate_weak", "cam", "cam_top5", "centre", "attention_center")
    for name in names:
        cells = [
            cell
            for summary in summaries
            for cell in (
                f"{summary[name]['nss']:.2f}",
                f"{summary[name]['auc_shuffled']:.2f}",
                f"{100 * summary[name]['captured_25']:.0f} %",
            )
        ]
        assert row(f"`{name}`", *cells) in card
    own, centre = (
        [round(100 * summary[name]["captured_25"]) for summary in summaries]
        for name in ("foveate", "centre")
    )
    assert f"{own[0]} % of the recorded gaze on photos of objects (OSIE), {own[1]} %" in readme
    assert f"(CROWD) and {own[2]} % on scenes (SUN)" in readme
    assert f"holds {centre[0]}, {centre[1]} and {centre[2]} %" in readme


def test_precision_and_time_of_the_network() -> None:
    card = text_of("model-card.md")
    nss = {
        name: result(f"saliency_osie{name}.json")["summary"]["foveate"]["nss"]
        for name in ("", "_float32")
    }
    said = f"{nss['']:.3f} in bfloat16"
    assert f"{said} and {nss['_float32']:.3f} in float32" in card
    assert f"{said}, {nss['_float32']:.3f} in float32" in text_of("decisions/0019-bfloat16.md")
    avx = result("saliency_osie_avx512_bf16.json")["summary"]["foveate"]
    assert f"a map takes {avx['ms_per_image']:.0f} ms" in card
    predict = result("service.json")["clients"]["1"]["stage_ms"]["predict"]["p50"]
    assert f"own pass takes {predict:.0f} ms" in card


def test_time_of_the_service() -> None:
    text = text_of("benchmarks.md")
    for clients in ("1", "16"):
        figures = result("service.json")["clients"][clients]
        cells = [f"{figures['images_per_s']:.1f}", f"{figures['p50_ms']:.0f}"]
        cells += [f"{figures['p99_ms']:.0f}", f"{figures['mean_batch']:.1f}"]
        stages = ("queue", "decode", "predict", "encode")
        cells += [f"{figures['stage_ms'][stage]['p50']:.0f}" for stage in stages]
        roles = ("app", "worker", "redis")
        cells += [f"{figures['cpu_ms_per_image'][role]:.1f}" for role in roles]
        assert row(clients, *cells) in text


def test_memory_of_the_service() -> None:
    text = text_of("operations.md")
    for moment in ("ready", "after_500_uploads", "after_24_megapixels"):
        peaks = result("service.json")["memory"][moment]
        sizes = [f"{peaks[role] / 2**20:.0f} MiB" for role in ("app", "worker")]
        assert row(moment.replace("_", " "), *sizes) in text


def cpu_ms(server: dict[str, Any]) -> float:
    """Return the CPU time that a server spends on a photo."""
    spent: dict[str, float] = server["cpu_ms_per_image"]
    return spent["all"] if "all" in spent else sum(spent.values())


def test_other_servers_with_the_same_behind_them() -> None:
    text = text_of("benchmarks.md")
    serving = result("service.json")["serving"]
    assert serving["workers"] == 2
    for name, label in SERVERS.items():
        server = serving["servers"][name]
        ratio = server["ratio"]
        relative = f"{ratio['images_per_s']:.2f} ± {ratio['standard_error']:.2f}"
        cells = [label.replace("Foveate, 2", "**Foveate**, 2"), f"{server['images_per_s']:.1f}"]
        cells += ["1" if name == "foveate" else relative, f"{server['p50_ms']:.0f}"]
        assert row(*cells, f"{cpu_ms(server):.0f}") in text
    alone = serving["alone"]["batch"]["cpu_ms"]
    assert row("the stages alone, no server", "", "", "", f"{alone:.0f}") in text
    ratio = serving["servers"]["mosec, 2 workers"]["ratio"]["images_per_s"]
    assert f"it makes {ratio:.2f} times as many images/s" in text_of("comparison.md")
    before = serving["servers"]["before"]["ratio"]
    said = f"made {before['images_per_s']:.2f} ± {before['standard_error']:.2f} times"
    assert said in text_of("research/serving.md")


def test_the_speed_that_readme_states() -> None:
    readme = text_of("README.md")
    servers = result("service.json")["serving"]["servers"]
    rates = {name: servers[name]["images_per_s"] for name in SERVERS}
    first, second, own = (
        f"{rates.pop(name):.0f}" for name in ("mosec, 2 workers", "litserve, 2 workers", "foveate")
    )
    assert (
        f"mosec with two workers {first} images/s, LitServe with two {second}, "
        f"Foveate with two {own}, the others {min(rates.values()):.0f} to {max(rates.values()):.0f}"
    ) in readme
    spent = servers["foveate"]["cpu_ms_per_image"]
    assert f"spends {cpu_ms(servers['foveate']):.0f} ms of CPU time on a photo" in readme
    assert f"{spent['app'] + spent['redis']:.1f} ms of it on HTTP and the queue" in readme
    own_cpu = f"{cpu_ms(servers['foveate']):.0f} ms of CPU time for 768×512"
    assert own_cpu in text_of("comparison.md")


def test_what_http_and_queue_cost() -> None:
    text = text_of("benchmarks.md")
    front = result("front.json")["summary"]
    spent = result("service.json")["serving"]["servers"]["foveate"]["cpu_ms_per_image"]
    both = f"{front['this']['both_cpu_ms_per_image']:.1f} ms"
    assert f"They take {both} of CPU time" in text
    assert f"{spent['app'] + spent['redis']:.1f} ms beside working codec threads" in text
    notes = text_of("research/serving.md")
    assert f"{both} CPU time for a photo, {front['ratio']['p50']:.2f} times" in notes


def test_what_a_photo_costs_by_its_size() -> None:
    text = text_of("operations.md")
    measured = result("sizing.json")
    for size in measured["by_size"]:
        spent = size["cpu_ms"]
        megapixels = size["megapixels"]
        cells = [f"{megapixels:.0f}" if megapixels > 10 else f"{megapixels:.1f}"]
        cells.append(f"{size['bytes_in'] / 1e6:.{2 if megapixels < 1 else 1}f}")
        cells.append(f"{spent['app']:.{1 if spent['app'] < 10 else 0}f}")
        cells.append(f"{spent['worker']:.0f}")
        cells.append(f"{spent['redis']:.{1 if spent['redis'] < 10 else 0}f}")
        cells.append(f"{size['peak_rss_bytes']['worker'] / 1e6:.0f}")
        assert row(*cells) in text
    summary = measured["summary"]
    fixed_s = summary["fixed_cpu_ms"]["worker"] / 1e3
    per_megapixel_s = summary["cpu_ms_per_megapixel"]["worker"] / 1e3
    assert f"{fixed_s:.2f} s of worker CPU for each photo and {per_megapixel_s:.3f} s" in text
    assert f"{summary['worker_bytes_per_pixel']:.0f} bytes of worker memory for each pixel" in text
    assert f"on top of {measured['ready_peak_rss_bytes']['worker'] / 1e6:.0f} MB" in text


def test_the_encoder_alone() -> None:
    text = text_of("codec.md")
    measured = result("encode.json")
    labels = {
        "foveate_size": "`size`",
        "foveate_size_progressive": "`size`, progressive",
        "foveate_quality": "`quality`",
        "foveate_quality_progressive": "`quality`, progressive",
        "mozjpeg": "mozjpeg, baseline",
        "mozjpeg_progressive": "mozjpeg, progressive",
        "pillow": "Pillow",
        "pillow_progressive": "Pillow, progressive",
    }
    for name, label in labels.items():
        pair = [measured["by_quality"][quality][name] for quality in ("75", "50")]
        cells = [" / ".join(f"{own['p50_ms']:.0f}" for own in pair)]
        if name in measured["large"]:
            large = measured["large"][name]
            cells.append(" / ".join(f"{own['mean_passes']:.1f}" for own in pair))
            cells.append(f"{large['ms'] / 1e3:.1f} s")
            cells.append(f"{large['bytes_per_pixel_above_the_image']:.1f}")
        else:
            cells += [""] * 3
        assert row(label, *cells) in text
    start = measured["first_start"]
    assert f"compiles the kernels for {start['compile']['cpu_s']:.0f} s" in text


def test_a_folder_through_the_command_line() -> None:
    text = text_of("cli.md")
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
    text = text_of("benchmarks.md")
    chaos = result("chaos.json")
    ends = chaos["ends"]
    assert chaos["faults"] == {}
    assert f"{chaos['requests']:,} requests and {sum(chaos['acts'].values())} acts" in text
    assert f"{ends['200']:,} JPEGs, {ends['422']} refusals of damaged photos" in text
    assert f"{ends['503']} times 503, {ends['connection broken']} broken connections" in text
    assert f"after {chaos['slowest_s']:.1f} s" in text


def test_equal_uploads() -> None:
    cache = result("cache.json")["summary"]
    hit, miss = cache["hit"], cache["miss"]
    assert (
        f"A hit takes {hit['p50_ms']:.1f} ms at the median (p99 {hit['p99_ms']:.1f} ms), "
        f"a miss {miss['p50_ms']:.0f} ms"
    ) in text_of("benchmarks.md")
    decision = text_of("decisions/0012-who-owns-a-picture.md")
    assert f"A hit takes {hit['p50_ms']:.1f} ms, a miss {miss['p50_ms']:.0f} ms" in decision
    together = cache["together"]
    assert (together["clients"], together["answered"], together["computed"]) == (100, 100, 1)


def test_slow_clients() -> None:
    text = text_of("benchmarks.md")
    measured = result("slow_clients.json")
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
