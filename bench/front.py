"""Nginx before two servers: plain HTTP, connections kept on both sides, what `deploy/nginx` does about clients left out."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.server import free_port
from harness.waiting import until

from .load import answers

_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes auto;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    upstream usher {{
        least_conn;
{servers}
        keepalive 64;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://usher;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host {host};
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


@contextmanager
def running(folder: Path, addresses: list[str]) -> Iterator[tuple[str, int]]:
    """Where it answers, and its process."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert program, "nginx is not installed"
    port = free_port()
    servers = "\n".join(f"        server {address};" for address in addresses)
    path = folder / "nginx.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, port=port, servers=servers, host=addresses[0]))
    process = subprocess.Popen([program, "-p", folder, "-c", path, "-e", folder / "error.log"], stdin=subprocess.DEVNULL)
    try:
        until("Nginx answers", lambda: answers(f"http://127.0.0.1:{port}/livez"))
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)
