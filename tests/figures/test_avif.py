"""Figures on AVIF."""

from statistics import mean
from typing import Any

import pytest

from tests.figures.tables import (
    QUALITIES,
    format_difference,
    format_row,
    read_document,
    read_result,
    subtract,
)

ENCODERS = {
    "avif": "Foveate, AVIF",
    "avif_uniform": "the same without the map",
    "avif_default": "Pillow's default",
    "foveate": "Foveate, JPEG",
}
MEASURES = ("psnr_s", "psnr", "ssimulacra2", "ssimulacra2_gaze")


def read_summary(quality: str) -> dict[str, dict[str, float]]:
    summary: dict[str, dict[str, float]] = read_result("rd_avif_osie.json")["by_quality"][quality][
        "summary"
    ]
    return summary


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_table_at_equal_bytes(quality: str) -> None:
    text, summary = read_document("research/avif.md"), read_summary(quality)
    for encoder, label in ENCODERS.items():
        gain = subtract(summary[encoder], summary["standard"])
        cells = [format_difference(gain[measure]) for measure in MEASURES]
        assert format_row(quality, label, *cells) in text, encoder


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_map_gains_what_was_asked_for(quality: str) -> None:
    """At equal bytes, on photos that nothing was fitted on."""
    assert read_result("rd_avif_osie.json")["meta"]["fold"] == "held"
    gain = subtract(read_summary(quality)["avif"], read_summary(quality)["avif_uniform"])
    assert gain["psnr_s"] >= 1.5
    assert gain["psnr"] >= -0.1
    images: dict[str, Any] = read_result("rd_avif_osie.json")["images"]
    wins = mean(
        rows[quality]["avif"]["ssimulacra2_gaze"]
        > rows[quality]["avif_uniform"]["ssimulacra2_gaze"]
        for rows in images.values()
    )
    assert wins >= 0.9
    assert f"{100 * wins:.0f} % of the photos at quality {quality}" in read_document(
        "research/avif.md"
    )


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_bytes_for_the_same_look(quality: str) -> None:
    ratios = read_summary(quality)["foveate_quality"]
    text = read_document("research/avif.md")
    own = ratios["bytes_over_avif"]
    plain = 1 - ratios["bytes_over_avif_uniform"] / own
    assert (
        f"{100 * (1 - 1 / own):.0f} % fewer bytes than Foveate's JPEG of `target=quality`" in text
    )
    cells = (quality, *(f"{100 * share:.0f} %" for share in (1 - 1 / own, plain)))
    assert format_row(*cells) in text


def test_the_table_of_targets() -> None:
    text, summary = read_document("formats.md"), read_result("avif_targets.json")["summary"]
    for quality in QUALITIES:
        jpeg, avif = (summary[f"{name} quality {quality}"] for name in ("jpeg", "avif"))
        cells = [f"{100 * row['bytes_ratio']:.0f} %" for row in (jpeg, avif)]
        cells += [f"{100 * row['as_good']:.0f} %" for row in (jpeg, avif)]
        assert format_row(quality, *cells, f"{100 * (1 - avif['bytes_ratio'] / jpeg['bytes_ratio']):.0f} %") in text  # fmt: skip
    near = [summary[f"avif size {quality}"]["within_1_percent"] for quality in QUALITIES]
    assert f"{100 * near[0]:.0f} and {100 * near[1]:.0f} %" in read_document("research/avif.md")


def test_the_table_of_costs() -> None:
    text = read_document("formats.md")
    for size in read_result("avif.json")["sizes"]:
        jpeg, avif = size["jpeg"], size["avif"]
        cells = (
            f"{size['megapixels']:.1f}",
            *(f"{row['ms'] / 1e3:.2f}" for row in (jpeg, avif)),
            str(avif["passes"]),
            f"{avif['bytes_per_pixel']:.0f}",
        )
        assert format_row(*cells) in text


def test_the_table_of_speeds() -> None:
    text = read_document("research/avif.md")
    for speed, row in read_result("avif.json")["speeds"].items():
        cells = [f"{row[key]:.0f}" for key in ("plain_ms", "guided_ms")]
        cells += [format_difference(row["salient_psnr_gain"]), f"{row['bytes_ratio']:.2f}"]
        assert format_row(speed, *cells) in text


def test_the_table_of_jpegs_beside_avifs() -> None:
    text = read_document("research/avif.md")
    for name, label in (("avif_beside", "own threads"), ("avif_beside_pool", "one pool")):
        for row in read_result(f"{name}.json")["rounds"]:
            cells = [f"{row[f'jpeg_{key}_ms']:.0f}" for key in ("median", "p95")]
            assert format_row(label, str(row["avif_clients"]), *cells) in text
