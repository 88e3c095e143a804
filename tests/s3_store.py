"""An S3-compatible store on this machine that checks signatures: moto's server.

It verifies them with botocore. ``MOTO_SERVER`` names its command where it is not in this environment.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.conftest import require

BUCKET, OTHER_BUCKET, UNREADABLE_BUCKET = "photos", "private-photos", "unreadable"
POLICY = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
"Resource": ["arn:aws:s3:::photos/*", "arn:aws:s3:::private-photos/*"]}]}"""


def find_command() -> str | None:
    """Return the path of moto's server in this environment.

    Not that on the PATH: before 5.2.5 moto verified names with other than plain letters wrongly.
    """
    beside = str(Path(sys.executable).parent)
    return os.environ.get("MOTO_SERVER") or shutil.which("moto_server", path=beside)


@dataclass
class Store:
    """A running store; its credentials may read two of its three buckets."""

    url: str
    access_key_id: str = ""
    secret_access_key: str = ""

    def put(self, bucket: str, key: str, data: bytes, **headers: str) -> None:
        """Store an object; only before the store checks signatures."""
        target = quote(f"/{bucket}/{key}", safe="/-._~")
        sent = httpx.put(self.url + target, content=data, headers={**unchecked("s3"), **headers})
        assert sent.status_code == 200, sent.text

    def ask_iam(self, **parameters: str) -> str:
        """Call IAM."""
        answer = httpx.post(
            self.url, data={"Version": "2010-05-08", **parameters}, headers=unchecked("iam")
        )
        assert answer.status_code == 200, answer.text
        return answer.text

    def check_signatures(self) -> None:
        """Create the credentials; from now on every request must be signed with them."""
        self.ask_iam(Action="CreateUser", UserName="reader")
        created = self.ask_iam(Action="CreateAccessKey", UserName="reader")
        self.ask_iam(
            Action="PutUserPolicy", UserName="reader", PolicyName="read", PolicyDocument=POLICY
        )
        self.access_key_id, self.secret_access_key = (
            re.findall(rf"<{name}>(.*?)<", created)[0]
            for name in ("AccessKeyId", "SecretAccessKey")
        )
        assert httpx.post(f"{self.url}/moto-api/reset-auth", content=b"0").status_code == 200


def unchecked(service: str) -> dict[str, str]:
    """Return a header that only names the service, for requests whose signature is not checked."""
    credential = f"Credential=x/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"}


@contextmanager
def run_store(objects: dict[tuple[str, str], bytes], folder: Path) -> Iterator[Store]:
    """Run a store with ``objects`` by bucket and key; it logs to ``folder``."""
    command = find_command()
    require(command, "no moto_server here: install the dev extra, or set MOTO_SERVER")
    assert command
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store = Store(f"http://127.0.0.1:{port}")
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(
            [command, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
    try:
        deadline_s = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{store.url}/moto-api/")
                break
            except httpx.TransportError:
                assert process.poll() is None, (folder / "moto.log").read_text()
                assert time.monotonic() < deadline_s
                time.sleep(0.1)
        for bucket in (BUCKET, OTHER_BUCKET, UNREADABLE_BUCKET):
            assert httpx.put(f"{store.url}/{bucket}", headers=unchecked("s3")).is_success
        for (bucket, key), data in objects.items():
            store.put(bucket, key, data, **{"Cache-Control": "max-age=60"})
        store.check_signatures()
        yield store
    finally:
        process.terminate()
        process.wait(10)
