"""The version changes with all that decides a result's bytes, and with nothing else."""

import subprocess
import sys
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
    (tmp_path / "model" / "training" / "loop.py").write_text("has no say")
    assert name_version("abc", "cpu") in seen
    monkeypatch.setattr(version, "version", lambda name: f"9.9 of {name}")
    seen.add(name_version("abc", "cpu"))
    assert len(seen) == 6


def test_every_module_that_a_worker_loads_is_in_it() -> None:
    """Sub-packages included: a file that is moved must not leave the version silently."""
    script = (
        "import sys, worker.__main__; "
        "print(*(m.__file__ for n, m in sys.modules.items() "
        "if n.split('.')[0] in ('codec', 'model', 'worker') and m.__file__), sep='\\n')"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=version.ROOT, capture_output=True, text=True, check=True
    )
    loaded = {Path(line).resolve() for line in shown.stdout.split("\n") if line}
    counted = {path for pattern in version.SOURCES for path in version.ROOT.glob(pattern)}
    assert len(loaded) > 50
    assert loaded <= {path.resolve() for path in counted}
