"""Breeze, and nginx as the limit: configuration and command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.process import free_port
from harness.target import CHAT, Target

_NGINX = """\
# Bytes from socket to socket in C, one worker, connections kept on both sides, nothing buffered.
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 16000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    upstream mock {{
        server 127.0.0.1:{upstream};
        keepalive 512;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 600s;
            client_body_buffer_size 256k;
        }}
    }}
}}
"""


def nginx(folder: Path, upstream: int) -> Target | str:
    """nginx as a byte proxy, or how to install it."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return "not installed: run apt-get install nginx-light (or your system's package of nginx)"
    own, port = folder / "nginx", free_port()
    own.mkdir(exist_ok=True)
    file = own / "nginx.conf"
    file.write_text(_NGINX.format(folder=own, port=port, upstream=upstream))
    return Target("nginx", port, (program, "-p", str(own), "-e", "stderr", "-c", str(file)))


def breeze(folder: Path, upstream: int) -> Target:
    """`breeze serve` with one runner pointed at the mock, keys and metrics on."""
    home, port = folder / "breeze", free_port()
    home.mkdir(exist_ok=True)
    parameters = {"base_url": f"http://127.0.0.1:{upstream}/v1", "api_key": "sk-bench"}
    runner = {"class": "openai", "priority": 10, "modelId": "mock", "parameters": parameters}
    config = {"version": "2.0", "capabilities": {"LLM": {"runners": {"up": runner}}}}
    file = home / "bench.json"
    file.write_text(json.dumps(config, indent=1))
    environ = {"BREEZE_HOME": str(home)}
    serve = ("serve", "--host", "127.0.0.1", "--port", str(port), "--config", str(file))
    command = (sys.executable, "-m", "breeze", *serve)
    key = _key(home)
    return Target("breeze", port, command, CHAT, "up/{}", key, environ, guarded=True)


def _key(home: Path) -> str:
    """A fresh API key; with one in the folder, the server asks everybody for theirs."""
    done = subprocess.run(
        [sys.executable, "-m", "breeze", "keys", "add", "bench", "--role", "use"],
        env={**os.environ, "BREEZE_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"breeze keys add: {done.stderr.strip()}")
    return done.stdout.split()[-1]
