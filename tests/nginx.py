"""A real nginx before a service, with locations of a test's own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.integration.http_requests import get
from tests.integration.running import wait_for

# Debian's is not on everyone's PATH.
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
REASON = "needs nginx (on Debian: apt install nginx-light)"
CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffering off;
    server {{
        listen 127.0.0.1:{port};
        merge_slashes on;
        location = /up {{ return 204; }}
        {locations}
    }}
}}
"""


@contextmanager
def run_nginx(folder: Path, locations: str) -> Iterator[str]:
    """Run nginx with its files in ``folder``; yield its URL."""
    assert NGINX
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(port=port, locations=locations))
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(configuration)])

    def is_up() -> bool:
        assert process.poll() is None
        try:
            return get(f"{url}/up").status_code == 204
        except httpx.TransportError:
            return False

    try:
        wait_for(is_up, what="for nginx")
        yield url
    finally:
        process.terminate()
        process.wait(10)
