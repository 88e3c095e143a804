"""The version changes with everything that determines a result's bytes, and with nothing else."""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from worker import version
from worker.version import name_version


def test_the_version_names_weights_and_arithmetic_and_is_reproducible() -> None:
    assert name_version("abc", "cpu") == name_version("abc", "cpu")
    assert name_version("abc", "cpu").startswith("abc-")
    assert name_version("abc", "cpu") != name_version("abc", "cuda")


def test_code_in_any_folder_and_libraries_change_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("codec", "model", "worker"):
        (tmp_path / package).mkdir()
    monkeypatch.setattr(version, "ROOT", tmp_path)
    seen = {name_version("abc", "cpu")}
    source = tmp_path / "codec" / "jpeg" / "dct.py"
    source.parent.mkdir()
    for text in ("a = 1", "a = 2"):
        source.write_text(text)
        seen.add(name_version("abc", "cpu"))
    source = source.rename(tmp_path / "codec" / "jpeg" / "idct.py")
    seen.add(name_version("abc", "cpu"))
    (tmp_path / "codec" / "png").mkdir()
    source.rename(tmp_path / "codec" / "png" / "idct.py")
    seen.add(name_version("abc", "cpu"))
    (tmp_path / "model" / "training").mkdir()
    (tmp_path / "model" / "training" / "loop.py").write_text("not part of a worker")
    assert name_version("abc", "cpu") in seen
    monkeypatch.setattr(version, "version", lambda name: f"9.9 of {name}")
    seen.add(name_version("abc", "cpu"))
    assert len(seen) == 6


def test_the_version_covers_every_module_of_the_workers_packages() -> None:
    """Sub-packages too: a module that moves must stay part of the version."""
    modules = {
        path
        for package in ("codec", "model", "worker")
        for path in (version.ROOT / package).rglob("*.py")
        if "training"
        not in path.relative_to(version.ROOT).parts  # tests/docker checks that no worker loads it
    }
    covered = {path for pattern in version.SOURCES for path in version.ROOT.glob(pattern)}
    assert covered == modules


def test_a_library_that_is_not_installed_changes_the_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hide_torch(name: str) -> str:
        if name == "torch":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(version, "version", lambda _: "1.0")
    with_torch = name_version("abc", "cpu")
    monkeypatch.setattr(version, "version", hide_torch)
    assert name_version("abc", "cpu") != with_torch
