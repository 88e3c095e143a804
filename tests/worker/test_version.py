"""The version changes with all that decides a result's bytes, and with nothing else."""

from pathlib import Path

import pytest

from worker import version
from worker.version import name_version


def test_it_has_the_weights_and_is_the_same_every_time() -> None:
    assert name_version("abc", "cpu") == name_version("abc", "cpu")
    assert name_version("abc", "cpu").startswith("abc-")
    assert name_version("abc", "cpu") != name_version("abc", "cuda")


def test_a_line_of_code_or_a_library_changes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("codec", "model", "worker"):
        (tmp_path / package).mkdir()
    monkeypatch.setattr(version, "ROOT", tmp_path)
    seen = {name_version("abc", "cpu")}
    source = tmp_path / "codec" / "dct.py"
    for text in ("a = 1", "a = 2"):
        source.write_text(text)
        seen.add(name_version("abc", "cpu"))
    source.rename(tmp_path / "codec" / "idct.py")
    seen.add(name_version("abc", "cpu"))
    (tmp_path / "model" / "training").mkdir()
    (tmp_path / "model" / "training" / "loop.py").write_text("has no say")
    assert name_version("abc", "cpu") in seen
    monkeypatch.setattr(version, "version", lambda name: f"9.9 of {name}")
    seen.add(name_version("abc", "cpu"))
    assert len(seen) == 5
