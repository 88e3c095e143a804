"""Figures on the quality of files at equal bytes, and on bytes at equal quality."""

from statistics import fmean

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


@pytest.mark.parametrize("name", ["rd_osie.json", "paper.json"])
@pytest.mark.parametrize("quality", QUALITIES)
def test_the_table_of_encoders_at_equal_bytes(name: str, quality: str) -> None:
    text = read_document("research/quality.md")
    result = read_result(name)
    summary = result.get("kodak", result)["by_quality"][quality]["summary"]
    standard = summary["standard"]
    for encoder, label in ENCODERS.items():
        if encoder not in summary:
            continue
        gain = subtract(summary[encoder], standard)
        share = summary[encoder]["butteraugli_gaze"] / standard["butteraugli_gaze"] - 1
        cells = [format_difference(gain[key]) for key in DECIBELS]
        cells += [format_difference(100 * gain[key]) for key in SHARES]
        cells += [format_difference(gain[key]) for key in LATER]
        assert (
            format_row(quality, label, *cells, f"{format_difference(100 * share, 0)} %") in text
        ), encoder


def test_the_table_of_sizes() -> None:
    text = read_document("research/quality.md")
    images = read_result("paper.json")["sizes"]["images"]
    assert len(images) == 20
    for name, by_quality in images.items():
        photo = by_quality["50"]
        standard, own = photo["standard"], photo["foveate"]
        gain = subtract(own, standard)
        control = subtract(photo["foveate_uniform"], standard)
        cells = [name.rpartition("@")[2], f"{standard['bytes']:,}", f"{own['bytes_ratio']:.3f}"]
        cells += [
            format_difference(gain["psnr_s"]),
            format_difference(control["psnr_s"]),
            format_difference(gain["psnr"]),
        ]
        cells += [
            format_difference(100 * gain["ssim"]),
            format_difference(gain["psnr_hvs"]),
            format_difference(gain["psnr_hvs_m"]),
        ]
        assert format_row(*cells) in text


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_tables_of_the_default_target(quality: str) -> None:
    summary = read_result("rd_kodak.json")["by_quality"][quality]["summary"]
    own = summary["foveate_quality"]
    gain = subtract(own, summary["standard"])
    over = [f"{own[f'bytes_over_{rival}']:.3f}" for rival in ("standard", "mozjpeg", "jpegli")]
    bytes_ratio = f"{own['bytes_ratio']:.3f}"
    assert format_row(quality, bytes_ratio, *over) in read_document("codec.md")
    span = f"{own['bytes_ratio_min']:.2f} to {own['bytes_ratio_max']:.2f}"
    cells = [format_difference(gain[key]) for key in ("psnr_s", "ssimulacra2_gaze", "ssimulacra2")]
    cells.append(f"{own['passes']:.1f}")
    assert format_row(quality, bytes_ratio, span, *over, *cells) in read_document(
        "research/quality.md"
    )


def test_the_table_of_strength() -> None:
    text = read_document("api.md")
    summary = read_result("paper.json")["kodak"]["by_quality"]["75"]["summary"]
    labels = {"foveate_uniform": "0", "foveate": "0.6, the default", "foveate_full": "1"}
    for name, label in labels.items():
        gain = subtract(summary[name], summary["standard"])
        keys = ("psnr_s", "psnr", "psnr_hvs", "ssimulacra2_gaze")
        assert format_row(label, *(f"{gain[key]:+.2f}" for key in keys)) in text


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_table_of_photos_through_the_service(quality: str) -> None:
    means = read_result(f"photos_q{quality}.json")["summary"]
    span = f"{means['bytes_ratio_min']:.3f} to {means['bytes_ratio_max']:.3f}"
    cells = [f"{means[key]:+.2f}" for key in ("psnr_s_gain", "psnr_y_gain")]
    assert format_row(quality, span, *cells) in read_document("research/quality.md")


def test_bytes_at_equal_quality_where_people_look() -> None:
    curve = read_result("rd_osie_curve.json")
    over = {"standard": curve["bd_rate"], **curve["bd_rate_over"]}
    saved = {
        name: f"{-rates['foveate']['ssimulacra2_gaze']['percent']:.0f} % fewer"
        for name, rates in over.items()
    }
    mozjpeg = f"{saved['mozjpeg']} than mozjpeg"
    jpegli = f"{saved['jpegli']} than jpegli"
    readme = read_document("README.md")
    assert f"takes {saved['standard']} bytes than the standard JPEG, {mozjpeg}" in readme
    assert f"{mozjpeg} and {jpegli} (`rd_osie_curve.json`)" in readme
    notes = read_document("research/quality.md")
    assert f"{saved['standard']} than the standard JPEG, {mozjpeg}, {jpegli}." in notes
    assert f"{mozjpeg} and {jpegli} ([rd_osie_curve.json]" in read_document("comparison.md")
    own = read_result("rd_kodak.json")["by_quality"]["75"]["summary"]["foveate_quality"]
    decision = read_document("decisions/0022-quality-names-a-reference.md")
    assert f"takes {100 * own['bytes_ratio']:.0f} % of the reference's bytes" in decision


def test_quality_of_the_whole_picture_beside_jpegli() -> None:
    summary = read_result("rd_osie.json")["by_quality"]["50"]["summary"]
    gain = {name: summary[name]["ssimulacra2"] for name in ("foveate", "jpegli")}
    own, jpegli = (gain[name] - summary["standard"]["ssimulacra2"] for name in gain)
    assert jpegli > own
    assert f"SSIMULACRA2 {jpegli:+.2f} against {own:+.2f}" in read_document("comparison.md")


@pytest.mark.parametrize("quality", ["30", "50", "75", "90"])
def test_the_promise_of_the_default_target_on_photos_kept_aside(quality: str) -> None:
    images = read_result("rd_osie_quality.json")["images"]
    assert len(images) == 60
    rows = [photo[quality] for photo in images.values()]
    own = [row["foveate_quality"] for row in rows]
    key = "ssimulacra2_gaze"
    gains = [a[key] - row["standard"][key] for a, row in zip(own, rows, strict=True)]
    cells = [
        f"{100 * sum(gain >= 0 for gain in gains) / len(gains):.0f} %",
        format_difference(fmean(gains)),
        format_difference(min(gains)),
        f"{fmean(a['bytes_ratio'] for a in own):.3f}",
        f"{fmean(a['bytes_over_jpegli'] for a in own):.3f}",
    ]
    assert format_row(quality, *cells) in read_document("research/encoder.md")


def test_photos_on_which_the_default_is_ahead_of_both_rivals() -> None:
    images = read_result("rd_osie_quality.json")["images"]
    shares = []
    for quality in ("30", "50", "75", "90"):
        rows = [photo[quality] for photo in images.values()]
        ahead = [
            all(
                row["foveate"]["ssimulacra2_gaze"] > row[rival]["ssimulacra2_gaze"]
                and row["foveate"]["butteraugli_gaze"] < row[rival]["butteraugli_gaze"]
                for rival in ("mozjpeg", "jpegli")
            )
            for row in rows
        ]
        shares.append(f"{100 * sum(ahead) / len(ahead):.0f}")
    text = f"{shares[0]}, {shares[1]}, {shares[2]} and {shares[3]} % at qualities 30, 50, 75 and 90"
    assert text in read_document("research/quality.md")
