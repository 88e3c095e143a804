"""`bench install`, over a small project whose `make run` installs nothing but a server."""

import subprocess
from pathlib import Path

import pytest

from bench.install import InstallError, count_bytes, make_environment, measure, running

MAKEFILE = """\
run: .venv/.installed-worker-cpu
\t@exec python3 server.py $(PORT)
.venv/.installed-worker-cpu:
\t@mkdir -p .venv/bin .venv/lib/python3/site-packages/large
\t@cp python .venv/bin && chmod +x .venv/bin/python
\t@head -c 5000000 /dev/zero > .venv/lib/python3/site-packages/large/library.so
\t@touch $@
"""
# Stands in for `python -m pip list`.
PYTHON = """\
#!/bin/sh
echo '[{"name": "large", "version": "1.0"}]'
"""
SERVER = """\
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(RESPONSE)
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(f"foveate: ready at http://127.0.0.1:{server.server_port} (API)", flush=True)
server.serve_forever()
"""


def make_project(folder: Path, response: bytes) -> Path:
    """Return a git checkout whose server sends ``response`` for each photo."""
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "python").write_text(PYTHON)
    (folder / "server.py").write_text(SERVER.replace("RESPONSE", repr(response)))
    author = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for command in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "-m", "All"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_an_installation_is_timed_and_weighed(tmp_path: Path) -> None:
    summary, packages = measure(make_project(tmp_path, b"\xff\xd8\xff\xd9"))
    assert summary["extras"] == "worker-cpu"
    steps = ("clone_s", "install_s", "start_s", "first_photo_s")
    assert all(summary[step] > 0 for step in steps)
    assert sum(summary[step] for step in steps) == pytest.approx(summary["first_jpeg_after_s"])
    assert 0 < summary["later_jpeg_after_s"] < summary["first_jpeg_after_s"]
    assert summary["venv_bytes"] > summary["largest_bytes"]["large"] >= 5_000_000
    assert packages == {"large": "1.0"}


def test_a_response_that_is_no_jpeg_fails(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="no JPEG"):
        measure(make_project(tmp_path, b"{}"))


def test_a_start_that_fails_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("run:\n\t@exit 1\n")
    with (
        pytest.raises(InstallError, match="ended before"),
        running(tmp_path, make_environment(tmp_path / "cache")),
    ):
        pass


def test_caches_are_empty_and_settings_of_the_caller_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    monkeypatch.setenv("DEVICE", "cpu")
    environment = make_environment(tmp_path / "cache")
    assert "NUMBA_CACHE_DIR" not in environment
    assert environment["DEVICE"] == "cpu"
    assert environment["XDG_CACHE_HOME"] == str(tmp_path / "cache")


def test_links_are_not_followed_and_files_with_two_names_count_once(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    file.parent.mkdir()
    file.write_bytes(bytes(100_000))
    before_bytes = count_bytes(file.parent)
    (file.parent / "same").hardlink_to(file)
    (tmp_path / "other").write_bytes(bytes(1_000_000))
    (file.parent / "link").symlink_to(tmp_path / "other")
    assert before_bytes <= count_bytes(file.parent) < before_bytes + 50_000
