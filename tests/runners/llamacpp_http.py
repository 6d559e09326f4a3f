"""llama.cpp's own server, as anybody starts it: on a port of this machine, behind a key."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

KEY = "llama-key"
CONTEXT = 512
MODEL = Path(str(files("breeze.models.embedded") / "breeze-tiny-q8_0.gguf"))


@asynccontextmanager
async def llama_server(model: Path = MODEL, *, embeds: bool = False) -> AsyncIterator[str]:
    """Its base URL, for the time of the block."""
    import xllamacpp

    native = xllamacpp.CommonParams()
    native.model.path = str(model)
    native.n_ctx = native.n_batch = native.n_ubatch = CONTEXT
    native.n_parallel = native.n_threads_http = 1
    native.embedding = embeds
    native.cpuparams.n_threads = native.cpuparams_batch.n_threads = 1
    native.verbosity = -1
    native.fit_params = native.warmup = native.ui = False
    native.cache_ram_mib = 0
    native.hostnames = ["127.0.0.1"]
    native.port = free_port()
    native.api_keys = [KEY]
    server = await asyncio.to_thread(xllamacpp.Server, native)
    try:
        yield f"http://127.0.0.1:{native.port}/v1"
    finally:
        del server


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
