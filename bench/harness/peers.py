"""Other gateways, each in an environment of its own made by `bench/peers.sh`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from harness.process import free_port
from harness.target import CHAT, Target

MODELS = ("mock", "mock-paced", "mock-hold")
_TENSORZERO = """
import sys, threading
from tensorzero import tensorzero
gateway = tensorzero._start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None,
    async_setup=False,
)
with open(sys.argv[2], "w") as file:
    file.write(gateway.base_url)
threading.Event().wait()
"""


def litellm(python: Path, folder: Path, upstream: int) -> Target:
    """The proxy with its defaults, one entry for each model."""
    port, base = free_port(), f"http://127.0.0.1:{upstream}/v1"

    def entry(model: str) -> dict[str, object]:
        call = {"model": f"openai/{model}", "api_base": base, "api_key": "sk-bench"}
        return {"model_name": model, "litellm_params": call}

    config = {
        "model_list": [entry(model) for model in MODELS],
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},
    }
    file = folder / "litellm.yaml"
    file.write_text(json.dumps(config))  # JSON is YAML too
    program = str(python.with_name("litellm"))
    listen = ("--host", "127.0.0.1", "--port", str(port))
    environ = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it looks for one on the network
    return Target("litellm", port, (program, "--config", str(file), *listen), environ=environ)


def tensorzero(python: Path, folder: Path, upstream: int) -> Target:
    """The HTTP gateway inside the Python package, without its databases."""
    lines = ["[gateway]", "observability.enabled = false"]
    lines += ["disable_pseudonymous_usage_analytics = true"]
    for model in MODELS:
        lines += [f"[models.{model}]", 'routing = ["up"]', f"[models.{model}.providers.up]"]
        lines += ['type = "openai"', f'model_name = "{model}"', 'api_key_location = "none"']
        lines += [f'api_base = "http://127.0.0.1:{upstream}/v1/"']
    file, address = folder / "tensorzero.toml", folder / "tensorzero.url"
    file.write_text("\n".join(lines) + "\n")
    command = (str(python), "-c", _TENSORZERO, str(file), str(address))
    name = "tensorzero::model_name::{}"
    return Target("tensorzero", 0, command, "/openai" + CHAT, name, address_file=address)


def sglang_router(python: Path, folder: Path, upstream: int) -> Target:
    """The router in front of an OpenAI-compatible worker."""
    port = free_port()
    command = (
        str(python), "-m", "sglang_router.launch_router", "--backend", "openai",
        "--worker-urls", f"http://127.0.0.1:{upstream}", "--host", "127.0.0.1",
        "--port", str(port), "--prometheus-port", str(free_port()), "--log-level", "error",
        "--max-concurrent-requests", "-1",
    )  # fmt: skip
    return Target("sglang-router", port, command, environ={"OPENAI_API_KEY": "sk-bench"})


def vllm_router(python: Path, folder: Path, upstream: int) -> Target:
    """The router in front of one worker, taking turns."""
    port = free_port()
    command = (
        str(python), "-m", "vllm_router.launch_router", "--policy", "round_robin",
        "--worker-urls", f"http://127.0.0.1:{upstream}", "--host", "127.0.0.1",
        "--port", str(port), "--prometheus-port", str(free_port()), "--log-level", "error",
    )  # fmt: skip
    return Target("vllm-router", port, command)


PEERS: dict[str, Callable[[Path, Path, int], Target]] = {
    "litellm": litellm,
    "tensorzero": tensorzero,
    "sglang-router": sglang_router,
    "vllm-router": vllm_router,
}


def peer(name: str, environments: Path | None, folder: Path, upstream: int) -> Target | str:
    """A peer by name, or how to install it."""
    python = (environments or Path("DIR")).absolute() / name / "bin" / "python"
    if environments is None or not python.exists():
        return f"not installed: run bench/peers.sh {environments or 'DIR'} {name}, then --peers"
    return PEERS[name](python, folder, upstream)
