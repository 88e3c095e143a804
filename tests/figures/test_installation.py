"""Figures on a first installation."""

from tests.figures.tables import read_document, read_result

MAX_VENV_BYTES = 600e6


def test_time_and_size_of_a_first_installation() -> None:
    text = read_document("README.md")
    measured = read_result("install.json")["summary"]
    assert f"the first JPEG came {measured['first_jpeg_after_s']:.0f} s after the clone" in text
    assert f"a later start took {measured['later_jpeg_after_s']:.0f} s" in text
    assert f"`.venv` takes {measured['venv_bytes'] / 1e6:.0f} MB" in text


def test_an_installation_without_a_gpu_stays_small() -> None:
    measured = read_result("install.json")
    assert measured["summary"]["extras"] == "worker-cpu"
    assert measured["summary"]["venv_bytes"] <= MAX_VENV_BYTES
    assert "torch" not in measured["meta"]["packages"]
