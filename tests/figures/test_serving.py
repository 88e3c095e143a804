"""Figures on the speed of the service and of other servers."""

from statistics import median

from bench.charts import SERVERS
from tests.figures.tables import format_row, read_document, read_result, sum_cpu_ms


def test_the_table_of_the_service() -> None:
    text = read_document("benchmarks.md")
    for clients in ("1", "16"):
        figures = read_result("service.json")["clients"][clients]
        cells = [f"{figures['images_per_s']:.1f}", f"{figures['p50_ms']:.0f}"]
        cells += [f"{figures['p99_ms']:.0f}", f"{figures['mean_batch']:.1f}"]
        stages = ("queue", "decode", "predict", "encode")
        cells += [f"{figures['stage_ms'][stage]['p50']:.0f}" for stage in stages]
        roles = ("app", "worker", "redis")
        cells += [f"{figures['cpu_ms_per_image'][role]:.1f}" for role in roles]
        assert format_row(clients, *cells) in text


def test_the_table_of_other_servers() -> None:
    text = read_document("benchmarks.md")
    serving = read_result("service.json")["serving"]
    assert serving["workers"] == 2
    for name, label in SERVERS.items():
        server = serving["servers"][name]
        ratio = server["ratio"]
        relative = f"{ratio['images_per_s']:.2f} ± {ratio['standard_error']:.2f}"
        cells = [label.replace("Foveate, 2", "**Foveate**, 2"), f"{server['images_per_s']:.1f}"]
        cells += ["1" if name == "foveate" else relative, f"{server['p50_ms']:.0f}"]
        assert format_row(*cells, f"{sum_cpu_ms(server):.0f}") in text
    alone = serving["alone"]["batch"]["cpu_ms"]
    assert format_row("the stages alone, no server", "", "", "", f"{alone:.0f}") in text
    ratio = serving["servers"]["mosec, 2 workers"]["ratio"]["images_per_s"]
    assert f"it makes {ratio:.2f} times as many images/s" in read_document("comparison.md")
    before = serving["servers"]["before"]["ratio"]
    said = f"made {before['images_per_s']:.2f} ± {before['standard_error']:.2f} times"
    assert said in read_document("research/serving.md")


def test_the_rates_in_readme() -> None:
    readme = read_document("README.md")
    servers = read_result("service.json")["serving"]["servers"]
    rates = {name: servers[name]["images_per_s"] for name in SERVERS}
    first, second, own = (
        f"{rates.pop(name):.0f}" for name in ("mosec, 2 workers", "litserve, 2 workers", "foveate")
    )
    assert (
        f"mosec with two workers {first} images/s, LitServe with two {second}, "
        f"Foveate with two {own}, the others {min(rates.values()):.0f} to {max(rates.values()):.0f}"
    ) in readme
    spent = servers["foveate"]["cpu_ms_per_image"]
    assert f"spends {sum_cpu_ms(servers['foveate']):.0f} ms of CPU time on a photo" in readme
    assert f"{spent['app'] + spent['redis']:.1f} ms of it on HTTP and the queue" in readme
    own_cpu = f"{sum_cpu_ms(servers['foveate']):.0f} ms of CPU time for 768×512"
    assert own_cpu in read_document("comparison.md")


def test_cpu_time_of_http_and_queue() -> None:
    text = read_document("benchmarks.md")
    front = read_result("front_against_0.1.json")["summary"]
    here, before = (front[name]["both_cpu_ms_per_image"] for name in ("this", "against"))
    assert f"They take {here:.1f} ms of CPU time for a photo there, where" in text
    assert f"version 0.1 takes {before:.1f} ms ([front_against_0.1.json]" in text
    servers = read_result("service.json")["serving"]["servers"]
    here, before = (
        sum(servers[name]["cpu_ms_per_image"][role] for role in ("app", "redis"))
        for name in ("foveate", "before")
    )
    assert f"they take {here:.1f} ms, and version 0.1 takes {before:.1f} ms" in text
    older = read_result("front.json")["summary"]
    notes = read_document("research/serving.md")
    cost = f"{older['this']['both_cpu_ms_per_image']:.1f} ms CPU time for a photo"
    assert f"{cost}, {older['ratio']['p50']:.2f} times" in notes


def test_cost_of_each_removed_mechanism() -> None:
    text = read_document("decisions/0002-what-was-removed.md")
    for name, sign in (("job_template", 1), ("one_connection", 1), ("own_record", -1)):
        rounds = read_result(f"front_{name}.json")["rounds"]
        saved = sorted(
            sign * (sum_cpu_ms(this) - sum_cpu_ms(other))
            for this, other in zip(rounds["this"], rounds["against"], strict=True)
        )
        row = f"| {median(saved):.2f} ({saved[0]:.2f} to {saved[-1]:.2f}) |".replace("-", "−")
        assert row in text, name


def test_the_ratios_without_a_gpu() -> None:
    text = read_document("benchmarks.md")
    ratios = read_result("service.json")["ratios"]
    over_mozjpeg = ratios["cpu_time_over_decode_and_mozjpeg"]
    query = "quality=50&target=size&progressive=false"
    rows = {
        "CPU time over decoding and mozjpeg, defaults": over_mozjpeg["defaults"],
        f"CPU time over decoding and mozjpeg, `{query}`": over_mozjpeg[query],
        "the network's CPU time over torch in float32": ratios[
            "network_cpu_time_over_torch_float32"
        ],
        "images/s over mosec, 2 workers": ratios["images_per_s_over"]["mosec, 2 workers"],
        "images/s over LitServe, 2 workers": ratios["images_per_s_over"]["litserve, 2 workers"],
    }
    for name, row in rows.items():
        measured = f"{row['ratio']:.2f} ± {row['standard_error']:.2f}"
        goal = (
            f"at most {row['at_most']:g}" if "at_most" in row else f"at least {row['at_least']:g}"
        )
        assert format_row(name, measured, goal) in text
    latency = ratios["single_client_p50_minus_stages_alone_ms"]
    measured = f"{latency['difference']:.1f} ± {latency['standard_error']:.1f}"
    name = "median latency of one client beyond the stages alone, ms"
    assert format_row(name, measured, f"at most {latency['at_most']:g}") in text
    older = read_result("service_avx2.json")["ratios"]
    defaults = older["cpu_time_over_decode_and_mozjpeg"]["defaults"]["ratio"]
    assert f"an earlier state took {defaults:.2f} times decoding and mozjpeg" in text
    network = older["network_cpu_time_over_torch_float32"]["ratio"]
    assert f"and the network {network:.2f} times torch" in text
