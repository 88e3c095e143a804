"""Recipes in the documents work."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from app.http.responses import encode_multipart
from app.sources.signature import signed_path
from tests.conftest import needs
from tests.docs.documents import ROOT

# A key, options and a URL as in docs/fetch.md.
SIGNED = ("0123456789abcdef", "quality=60,expires=1", "https://example.org/a%20b.jpg?ü=1")


def test_the_recipe_splits_a_multipart_response(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    found = re.search(r"```sh split\n(.*?)```", text, re.DOTALL)
    assert found
    # Pictures may contain line ends and bytes like a header.
    image = b"\xff\xd8\r\n\n\rContent-Length: 3\r\n\0" * 50 + b"\xff\xd9"
    heatmap = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
    parts = [("image/jpeg", image), ("image/png", heatmap)]
    (tmp_path / "both.multipart").write_bytes(encode_multipart("7e48414264a78a80", parts))
    subprocess.run(["sh", "-euc", found.group(1)], cwd=tmp_path, check=True)
    assert (tmp_path / "smaller.jpg").read_bytes() == image
    assert (tmp_path / "heatmap.png").read_bytes() == heatmap


def find_recipe(language: str) -> str:
    """Return the recipe of docs/fetch.md in a programming language."""
    text = (ROOT / "docs" / "fetch.md").read_text("utf-8")
    found = re.search(rf"```{language} recipe\n(.*?)```", text, re.DOTALL)
    assert found
    return found.group(1)


def path_of_the_service() -> str:
    """Return the path that the service would sign."""
    key, options, url = SIGNED
    return signed_path(key.encode(), url, options)


def test_the_python_recipe_signs() -> None:
    names: dict[str, Any] = {}
    exec(find_recipe("python"), names)  # noqa: S102
    assert names["signed_path"](*SIGNED) == path_of_the_service()


@needs(shutil.which("node"), "needs Node")
def test_the_javascript_recipe_signs() -> None:
    script = f"{find_recipe('js')}\nprocess.stdout.write(signedPath(...{json.dumps(SIGNED)}));"
    ended = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert ended.stdout == path_of_the_service()
