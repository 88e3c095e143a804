"""Paths of /fetch that were signed by the command, and by the recipe for other languages."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
from PIL import Image

from tests.conftest import needs
from tests.hostile_upstream import HostileUpstream
from tests.integration.fetch.conftest import KEY, OLD_KEY, path_of
from tests.integration.running import ROOT


def test_the_command_prints_a_signed_path(cdn: httpx.Client, upstream: HostileUpstream) -> None:
    command = [sys.executable, "-m", "app", "sign", upstream.url("/photo.jpg")]
    ended = subprocess.run(
        [*command, "--options", "quality=60"],
        cwd=ROOT,
        env={"FETCH_KEYS": f"{KEY},{OLD_KEY}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == path_of(upstream.url("/photo.jpg"), "quality=60")
    assert cdn.get(ended.stdout.strip()).status_code == 200


@needs(all(map(shutil.which, ("openssl", "curl"))), "needs openssl and curl")
def test_the_recipe_for_a_shell_works(
    cdn: httpx.Client, upstream: HostileUpstream, tmp_path: Path
) -> None:
    text = (ROOT / "docs" / "fetch.md").read_text()
    found = re.search(r"```sh recipe\n(.*?)```", text, re.DOTALL)
    assert found
    script = found.group(1)
    for given, replacement in (
        ("https://photos.example.org/a%20b.jpg?width=900", upstream.url("/photo.jpg?a=%20b")),
        ("http://127.0.0.1:8000", str(cdn.base_url)),
    ):
        assert given in script
        script = script.replace(given, replacement.rstrip("/"))
    ended = subprocess.run(
        ["sh", "-euc", script],
        env={**os.environ, "FETCH_KEY": KEY},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    with Image.open(tmp_path / "smaller.jpg") as shown:
        assert shown.size == (160, 120)
