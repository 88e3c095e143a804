import os
import time
from pathlib import Path

import pytest

from codec.kernel_cache import (
    PREFIX,
    UNUSED_S,
    digest_sources,
    find_parent,
    open_kernel_cache,
)
from tests.codec.copies import RUN_KERNEL, finish, run, start


def change_inlined_function(copy: Path) -> None:
    """Make each end of a block count five times."""
    path = copy / "codec" / "jpeg" / "syntax" / "symbols.py"
    text = path.read_text()
    line = "counts[END_OF_BLOCK] += times"
    assert line in text
    path.write_text(text.replace(line, "counts[END_OF_BLOCK] += 5 * times"))


def test_a_change_of_an_inlined_function_reaches_the_kernels_of_other_modules(copy: Path) -> None:
    assert run(copy) == "1"
    assert run(copy) == "1 1"  # read from the cache
    change_inlined_function(copy)
    assert run(copy) == "5"


def test_processes_that_start_together_share_an_empty_cache(copy: Path) -> None:
    processes = [start(copy, RUN_KERNEL) for _ in range(2)]
    assert {finish(process).split()[0] for process in processes} == {"1"}
    assert run(copy) == "1 1"


def test_kernels_run_where_no_cache_can_be_written(copy: Path) -> None:
    (copy.parent / "file").write_text("")
    nowhere = str(copy.parent / "file" / "kernels")
    assert run(copy, NUMBA_CACHE_DIR=nowhere) == "1"
    assert not list(copy.rglob("*.nbi"))


def test_child_processes_use_the_folder_of_their_parent(copy: Path) -> None:
    run(copy)
    script = f"import codec.jit, subprocess, sys; subprocess.run([sys.executable, '-c', '''{RUN_KERNEL}'''], check=True)"  # fmt: skip
    assert run(copy, script) == "1 1"
    assert len(list((copy.parent / "kernels").rglob(f"{PREFIX}*"))) == 1


def age(folder: Path, seconds: float) -> None:
    used = time.time() - seconds
    os.utime(folder, (used, used))


def test_unused_folders_of_other_sources_are_removed(tmp_path: Path) -> None:
    sources, parent = tmp_path / "sources", tmp_path / "parent"
    sources.mkdir()
    (sources / "module.py").write_text("a = 1")
    first = open_kernel_cache(sources, parent)
    assert first is not None
    (first / "folder").mkdir()
    (sources / "module.py").write_text("a = 2")
    second = open_kernel_cache(sources, parent)
    assert second not in {None, first}
    assert first.is_dir()  # used a moment ago: an older version may be running
    other = parent / "of-another-program"
    other.mkdir()
    age(first, UNUSED_S + 60)
    age(other, UNUSED_S + 60)
    assert open_kernel_cache(sources, parent) == second
    assert not first.exists()
    assert other.is_dir()


def test_a_folder_in_use_is_not_removed(tmp_path: Path) -> None:
    sources, parent = tmp_path / "sources", tmp_path / "parent"
    sources.mkdir()
    own = open_kernel_cache(sources, parent)
    assert own is not None
    age(own, 10 * UNUSED_S)
    assert open_kernel_cache(sources, parent) == own
    assert time.time() - own.stat().st_mtime < 60


def test_the_digest_follows_names_and_contents_in_all_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "module.py").write_text("a = 1")
    digests = [digest_sources(tmp_path)]
    (tmp_path / "folder" / "notes.txt").write_text("no source")
    assert digest_sources(tmp_path) == digests[0]
    (tmp_path / "folder" / "module.py").write_text("a = 2")
    digests.append(digest_sources(tmp_path))
    (tmp_path / "folder" / "module.py").rename(tmp_path / "folder" / "other.py")
    digests.append(digest_sources(tmp_path))
    (tmp_path / "empty.py").write_text("")
    digests.append(digest_sources(tmp_path))
    assert len(set(digests)) == 4


def test_folders_are_in_numbas_cache_folder_or_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert find_parent("/var/cache/foveate") == Path("/var/cache/foveate")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert find_parent("") == Path("/caches/foveate")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert find_parent("") == Path("/home/someone/.cache/foveate")
