"""Figures on saliency maps and on the network."""

from tests.figures.tables import format_row, read_document, read_result

DECISION_ON_CPUS = "decisions/0039-the-network-on-cpus.md"
MAPS = ("foveate", "foveate_weak", "foveate_weak_t0", "cam", "cam_top5", "centre")


def test_maps_against_recorded_gaze() -> None:
    card, readme = read_document("model-card.md"), read_document("README.md")
    summaries = [
        read_result(f"saliency_{name}.json")["summary"] for name in ("osie", "crowd", "sun")
    ]
    for name in (*MAPS, "attention_center"):
        cells = [
            cell
            for summary in summaries
            for cell in (
                f"{summary[name]['nss']:.2f}",
                f"{summary[name]['auc_shuffled']:.2f}",
                f"{100 * summary[name]['captured_25']:.0f} %",
            )
        ]
        assert format_row(f"`{name}`", *cells) in card
    own, centre = (
        [round(100 * summary[name]["captured_25"]) for summary in summaries]
        for name in ("foveate", "centre")
    )
    assert f"{own[0]} % of the recorded gaze on photos of objects (OSIE), {own[1]} %" in readme
    assert f"(CROWD) and {own[2]} % on scenes (SUN)" in readme
    assert f"holds {centre[0]}, {centre[1]} and {centre[2]} %" in readme


def test_precision_and_time_of_the_network() -> None:
    card = read_document("model-card.md")
    avx, float32 = (
        read_result(f"saliency_osie{name}.json")["summary"]["foveate"]
        for name in ("_avx512_bf16", "")
    )
    said = f"{avx['nss']:.3f} in bfloat16"
    assert f"{said} and {float32['nss']:.3f} in float32" in card
    assert f"{said}, {float32['nss']:.3f} in float32" in read_document("decisions/0019-bfloat16.md")
    assert f"a map takes {avx['ms_per_image']:.0f} ms" in card
    predict = read_result("service.json")["clients"]["1"]["stage_ms"]["predict"]["p50"]
    assert f"own pass takes {predict:.0f} ms" in card


def test_maps_in_8_bits_are_as_good_as_in_float32() -> None:
    card, decision = read_document("model-card.md"), read_document(DECISION_ON_CPUS)
    summaries = [
        read_result(f"saliency_{name}.json")["summary"] for name in ("osie", "crowd", "sun")
    ]
    for name, label in (("foveate", "float32"), ("foveate_int8", "int8")):
        cells = [
            cell
            for summary in summaries
            for cell in (
                f"{summary[name]['nss']:.3f}",
                f"{100 * summary[name]['captured_25']:.1f} %",
            )
        ]
        assert format_row(label, *cells) in card
    nss, captured = (
        max(abs(summary["foveate"][key] - summary["foveate_int8"][key]) for summary in summaries)
        for key in ("nss", "captured_25")
    )
    assert nss <= 0.02
    assert captured <= 0.003
    assert (
        f"at most {nss:.3f}, the captured share by at most {100 * captured:.1f} points" in decision
    )
    times = [summaries[0][name]["ms_per_image"] for name in ("foveate_int8", "foveate")]
    assert f"a map takes {times[0] / times[1]:.2f} of the time in float32" in card


def test_the_table_of_covered_objects() -> None:
    card = read_document("model-card.md")
    summaries = [
        read_result(f"saliency_{name}.json")["summary"]
        for name in ("boxes85", "coco", "mosaics", "mosaics3")
    ]
    for name in MAPS:
        shares = [summary[name].get("mosaics") or summary[name]["objects"] for summary in summaries]
        cells = [
            f"{100 * share[key]:.0f} %" for share in shares for key in ("centre_25", "half_25")
        ]
        assert format_row(f"`{name}`", *cells) in card
