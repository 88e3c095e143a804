"""Figures on classes and regions."""

from bench.saliency.presence import OURS, RIVAL
from model.classes import read_classes
from tests.figures.tables import format_row, read_document, read_result

SETS = ("labelled", "coco")


def test_the_table_of_classes() -> None:
    card = read_document("model-card.md")
    summary = read_result("presence.json")["summary"]
    for entry in read_classes():
        cells = []
        for name in SETS:
            for scorer in ("foveate", "foveate_int8", RIVAL):
                row = summary[name][scorer]["classes"].get(entry.name)
                cells.append(f"{row['precision']:.2f}" if row else "")
        assert format_row(entry.name, entry.covers, *cells) in card, entry.name


def test_the_table_of_presence() -> None:
    card = read_document("model-card.md")
    summary = read_result("presence.json")["summary"]
    for scorer in (*OURS, RIVAL):
        cells = [f"{summary[name][scorer]['mean_precision']:.3f}" for name in SETS]
        decided = summary["labelled"][scorer]
        cells += [
            f"{100 * decided[key]:.1f} %" if key in decided else "" for key in ("right", "usual")
        ]
        cells.append(f"{decided['present']:.1f}" if "present" in decided else "")
        assert format_row(f"`{scorer}`", *cells) in card, scorer


def test_the_table_of_regions() -> None:
    api, result = read_document("api.md"), read_result("regions.json")
    for name, label in (("foveate", "Foveate"), ("cam", "class activation maps")):
        row = result["summary"][name]
        cells = [f"{100 * row[key]:.0f} %" for key in ("found", "framed", "on_nothing")]
        assert format_row(label, *cells) in api
    assert f"{result['summary']['foveate']['objects']} objects" in api
    assert f"{result['cpu_ms']['find_regions'] + result['cpu_ms']['select_classes']:.1f} ms" in api
