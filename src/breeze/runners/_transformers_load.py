"""What every model of Transformers is loaded by, and how its arithmetic is stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from breeze.contracts.errors import NotLoadedError
from breeze.contracts.threads import Outlet
from breeze.runners._transformers_parameters import TransformersParameters
from breeze.runners._vision_stop import Stop, Stopped

SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is fetched, and no code of a model's maker is run."""
_BACKENDS = {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}
_BESIDE = ("torchvision", "torchaudio", "librosa", "phonemizer", "uroman", "sentencepiece", "PIL")
"""What the library asks for with some models; most of it is in no extra of ours."""
_WAIT = 0.02


class Native:
    """A loaded model. Its users take turns (`turn`): their chance is one for the process."""

    def __init__(self, folder: Path, p: TransformersParameters) -> None:
        import torch
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        _check_device(torch, p.device)
        torch.set_num_threads(p.threads)
        self.folder, self.device, self.backend = folder, p.device, _BACKENDS[p.device]
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
        except ImportError as error:
            raise NotLoadedError(
                f"{self.folder.name} needs more than the extra brings "
                f"({_named(str(error))}), or choose another model.",
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


def _named(told: str) -> str:
    """What the library misses, with the remedy."""
    names = " ".join(name for name in _BESIDE if name.lower() in told.lower())
    first = next(iter(told.strip().splitlines()), "")[:200]
    return f"run pip install {names.replace('PIL', 'pillow')}" if names else first


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
