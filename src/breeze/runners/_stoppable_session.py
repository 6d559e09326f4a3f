"""Sessions of ONNX Runtime whose runs can be stopped from another thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from breeze.runners._vision_stop import Stop


@contextmanager
def run_options(stop: Stop) -> Iterator[Any]:
    """Options for runs that end as soon as `stop.gone()`: they raise what ONNX Runtime raises."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = 4

    def halt() -> None:
        options.terminate = True

    with stop.halting(halt):
        yield options


class StoppableSession:
    """An inference session for any number of threads. ONNX Runtime looks before every node
    whether it is to stop.
    """

    def __init__(self, model: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.enable_cpu_mem_arena = False  # else the longest sentence's memory is kept for good
        options.log_severity_level = 4
        self._native: Any = onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._now = threading.local()

    def run(self, names: Any, feed: Any, run_options: Any = None) -> Any:
        """As `onnxruntime.InferenceSession.run`; inputs that the model lacks are left out."""
        known = {entry.name for entry in self._native.get_inputs()}
        given = {name: value for name, value in feed.items() if name in known}
        return self._native.run(names, given, run_options or getattr(self._now, "options", None))

    @contextmanager
    def stoppable(self, stop: Stop) -> Iterator[None]:
        """Runs of this thread inside the block end when `stop.gone()`: they raise what ONNX
        Runtime raises then.
        """
        with run_options(stop) as self._now.options:
            try:
                yield
            finally:
                self._now.options = None
