"""The version changes with everything that determines a result's bytes, and with nothing else."""

import subprocess
import sys
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


def test_the_version_covers_every_module_that_a_worker_loads() -> None:
    """Sub-packages too: a module that moves must stay part of the version."""
    script = (
        "import sys, worker.__main__; "
        "print(*(m.__file__ for n, m in sys.modules.items() "
        "if n.split('.')[0] in ('codec', 'model', 'worker') and m.__file__), sep='\\n')"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=version.ROOT, capture_output=True, text=True, check=True
    )
    loaded = {Path(line).resolve() for line in shown.stdout.split("\n") if line}
    covered = {path for pattern in version.SOURCES for path in version.ROOT.glob(pattern)}
    assert len(loaded) > 50
    assert loaded <= {path.resolve() for path in covered}
