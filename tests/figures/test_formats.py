"""Figures on formats."""

from collections import Counter

from tests.figures.tables import read_document, read_result


def test_counts_of_files_that_are_compared() -> None:
    text = read_document("formats.md")
    generated, suites = read_result("formats.json"), read_result("suites.json")
    files = suites["summary"]["files"]
    assert f"of {generated['summary']['all']['files']} generated files (`formats.json`)" in text
    assert f"of {files:,} files of {len(suites['suites'])} projects (`suites.json`)" in text


def test_no_valid_file_is_shown_wrong() -> None:
    generated, suites = read_result("formats.json"), read_result("suites.json")
    assert generated["summary"]["all"]["open"] == 0
    assert suites["summary"]["wrong"] == 0
    assert suites["missing"] == []


def test_refused_files_have_a_reason() -> None:
    refused = [file for file in read_result("suites.json")["files"] if file["verdict"] == "refused"]
    by_status = Counter(file["ours"][:3] for file in refused)
    expected = (
        f"{len(refused)} are refused although another decoder shows something: {by_status['422']}"
        f" damaged (422), {by_status['415']} of kinds that are not supported (415),"
        f" {by_status['413']} too large (413)"
    )
    assert expected in read_document("formats.md")
