"""What every model of Transformers is loaded by, and how its arithmetic is stopped."""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from breeze.contracts.capability import Backend
from breeze.contracts.errors import NotLoadedError
from breeze.contracts.threads import Outlet
from breeze.runners._native_builds import has
from breeze.runners._transformers_parameters import TransformersParameters
from breeze.runners._vision_stop import Stop, Stopped

SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is fetched, and no code of a model's maker is run."""
BACKENDS = {"cpu": Backend.CPU, "cuda": Backend.GPU, "mps": Backend.GPU}
"""Where each device computes."""
_BESIDE = ("torchvision", "torchaudio", "librosa", "sentencepiece", "protobuf", "num2words")
"""What the library asks for with some models, by names that are those of packages too."""
_WAIT = 0.02


def gpu_device() -> str:
    """The device that is a GPU in the installed build of PyTorch, "" when none is."""
    if has("torch", "lib/*torch_cuda.*", "lib/*torch_hip.*"):
        return "cuda"  # which is its name for both
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return "mps" if apple and has("torch", "lib/*torch_cpu.*") else ""


class Native:
    """A loaded model. Its users take turns (`turn`): their chance is one for the process."""

    def __init__(self, folder: Path, p: TransformersParameters) -> None:
        import torch
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        _check_device(torch, p.device)
        torch.set_num_threads(p.threads)
        self.folder, self.device, self.backend = folder, p.device, BACKENDS[p.device]
        self._dtype = p.dtype
        self._turn = threading.Lock()
        self._stop = Stop(lambda: False)

    def weights(self, kind: Any, folder: Path | None = None) -> Any:
        """The network by a class of the library, ready to work."""
        native: Any = kind.from_pretrained(
            str(folder or self.folder), use_safetensors=True, dtype=self._dtype, **SAFE
        )
        return native.to(self.device).eval()

    def reader(self, kind: Any) -> Any:
        """A tokenizer or processor by a class of the library. Raises NotLoadedError."""
        try:
            return kind.from_pretrained(str(self.folder), **SAFE)
        except (ImportError, ValueError, OSError) as error:  # the library is of two minds
            told = str(error).lower()
            if not (names := [n for n in _BESIDE if n in told and find_spec(n) is None]):
                raise
            raise NotLoadedError(
                f"{self.folder.name} needs what no extra of ours brings: run pip install "
                f"{' '.join(names)}, or choose another model.",
                retryable=False,
            ) from error

    def stoppable(self, *networks: Any) -> None:
        """Let their arithmetic end before the next layer when nobody waits for it."""
        for network in networks:
            for module in network.modules():
                module.register_forward_pre_hook(self._look)

    def _look(self, *_: Any) -> None:
        self._stop.check()

    @contextmanager
    def turn(self, outlet: Outlet[Any]) -> Iterator[bool]:
        """Wait for the model. False when the reader went away meanwhile; ends quietly if later."""
        mine = False
        while not mine and not outlet.closed:
            mine = self._turn.acquire(timeout=_WAIT)
        self._stop = Stop(lambda: outlet.closed) if mine else self._stop
        try:
            yield mine
        except Stopped:
            return
        finally:
            if mine:
                self._turn.release()


def lacking(folder: Path, module: str, why: str, package: str = "") -> NotLoadedError | None:
    """What to raise where `module` is needed and not there."""
    if find_spec(module) is not None:
        return None
    return NotLoadedError(
        f"{folder.name} {why}: run pip install {package or module}, or choose another model.",
        retryable=False,
    )


def _check_device(torch: Any, device: str) -> None:
    able: dict[str, Callable[[], Any]] = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if not able[device]():
        raise NotLoadedError(
            f"PyTorch has no {device} here: set device to cpu, or install PyTorch for it.",
            retryable=False,
        )
