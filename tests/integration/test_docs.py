"""What docs/api.md says is so: its commands run, its tables are complete."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.options import CompressOptions
from contract.errors import leaves
from tests.integration.running import ROOT, Running
from tests.photos import file_of, photo

API = (ROOT / "docs" / "api.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", API, re.DOTALL) for line in block.splitlines()
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_curl_line_works(service: Running, tmp_path: Path, command: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(file_of(photo(), "JPEG"))
    line = command.replace("http://127.0.0.1:8000", service.url)
    ended = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, check=False)  # noqa: S602
    assert ended.returncode == 0, ended.stderr
    output = re.search(r" -o (\S+)", command)
    if output:
        assert (tmp_path / output.group(1)).stat().st_size > 500


def test_every_option_and_error_is_listed() -> None:
    for name in CompressOptions.model_fields:
        assert f"| `{name}` |" in API
    for code, error in leaves().items():
        assert re.search(rf"\| {error.status} \|[^|]*`{code}`", API), code
