"""Recipes in the documents work."""

import re
import subprocess
from pathlib import Path

from app.http.responses import encode_multipart
from tests.docs.documents import ROOT


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
