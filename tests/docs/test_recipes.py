"""Recipes in the documents work."""

import base64
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from app.http.responses import encode_multipart
from app.sources.signature import signed_path
from app.webhooks.signature import parse_key, sign_headers
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


def test_the_recipe_checks_a_webhook() -> None:
    names: dict[str, Any] = {}
    exec(find_recipe("python", "api.md"), names)  # noqa: S102
    key, other = (f"whsec_{base64.b64encode(text * 24).decode()}" for text in (b"a", b"b"))
    keys = [parse_key(other), parse_key(key)]

    def headers(timestamp_s: float) -> dict[str, str]:
        signed = sign_headers(keys, "id", int(timestamp_s), b"{}")
        return {name.decode(): value.decode() for name, value in signed}

    is_genuine = names["is_genuine"]
    assert is_genuine(key, headers(time.time()), b"{}")
    assert is_genuine(other, headers(time.time()), b"{}")
    assert not is_genuine(
        f"whsec_{base64.b64encode(b'c' * 24).decode()}", headers(time.time()), b"{}"
    )
    assert not is_genuine(key, headers(time.time()), b"[]")
    assert not is_genuine(key, headers(time.time() - 900), b"{}")


def find_recipe(language: str, document: str = "fetch.md") -> str:
    """Return the recipe of a document in a programming language."""
    text = (ROOT / "docs" / document).read_text("utf-8")
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
