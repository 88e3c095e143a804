"""Figures on the images."""

from tests.figures.tables import format_row, read_document, read_result


def test_sizes_and_build_times_of_the_images() -> None:
    text = read_document("operations.md")
    summary = read_result("images.json")["summary"]
    for name, added_bytes in summary["added_bytes"].items():
        cells = (f"`foveate-{name}`", f"{added_bytes / 1e6:.0f}", f"{summary['build_s'][name]:.0f}")
        assert format_row(*cells) in text
    assert f"The base took another {summary['build_s']['bases']:.0f} s" in text
