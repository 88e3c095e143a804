"""Figures on crops."""

from tests.figures.tables import format_row, read_document, read_result

CROPPERS = ("foveate", "focus", "vips_attention", "vips_entropy", "centre")
SETS = {"osie": "OSIE", "crowd": "CROWD"}
SHAPES = {"9:16": "9:16", "1:1": "1:1", "half": "half of both sides"}


def test_the_table_of_crops() -> None:
    result, page = read_result("crop.json"), read_document("api.md")
    assert result["meta"]["fold"] == "held"
    for name, label in SETS.items():
        for shape, words in SHAPES.items():
            row = result["summary"][name][shape]
            cells = [f"{100 * row[cropper]['gaze']:.1f} %" for cropper in CROPPERS]
            faces = [
                f"{100 * row[cropper]['whole']:.0f} / {100 * row[cropper]['cut']:.0f} %"
                for cropper in ("foveate", "centre")
            ]
            assert format_row(f"{label}, {words}", *cells, *faces) in page


def test_ours_keeps_more_gaze_and_more_whole_faces_than_the_others() -> None:
    for name in SETS:
        for row in read_result("crop.json")["summary"][name].values():
            for measure in ("gaze", "whole"):
                others = [row[cropper][measure] for cropper in CROPPERS[2:]]
                assert row["foveate"][measure] > max(others)
