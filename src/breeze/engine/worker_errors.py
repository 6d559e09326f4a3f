"""Errors of a runner in a process of its own, as those who called it get them."""

from __future__ import annotations

from collections.abc import Iterable

from breeze.contracts.errors import (
    MemoryLimitError,
    NotLoadedError,
    ProcessingError,
    RunnerError,
    TooLargeError,
    from_info,
)
from breeze.contracts.redaction import redacted
from breeze.engine.worker_frames import LARGEST
from breeze.engine.worker_messages import Failed
from breeze.engine.worker_pulse import PATIENCE

IDLE = f"it did nothing for {PATIENCE:g} s of a load"
"""Why a worker was stopped that would do nothing again, as often as it is tried."""


class Unexpected(ProcessingError):
    """What a runner raised that is no error of ours."""


def raised(failed: Failed, name: str, secrets: Iterable[str]) -> RunnerError:
    """What the runner `name` raised there, without `secrets` where it is none of our errors."""
    error = from_info(failed.error)
    if failed.kind:
        text = redacted(failed.error.message, secrets)
        error = Unexpected(f"{name} failed: {failed.kind}: {text}", runner=name)
    error.relayed = failed.relayed
    return error


def of_load(error: RunnerError) -> RunnerError:
    """What failed a load, as an error of loading."""
    crashed = error.detail == "crashed" and not isinstance(error, MemoryLimitError)
    if not crashed and not isinstance(error, Unexpected):
        return error
    return NotLoadedError(
        error.message.replace(". It is started again for the next request", " while it loaded"),
        detail=error.detail,
        runner=error.runner,
        retryable=crashed and IDLE not in error.message,
        data=error.data,
    )


def too_large(name: str, size: int) -> TooLargeError:
    """A request of `size` bytes does not go through."""
    return TooLargeError(
        f"The request has {size / 1e6:.0f} MB, and a runner in a process of its own takes at most "
        f"{LARGEST / 1e6:.0f} MB. Send less at once.",
        runner=name,
        data={"limit": LARGEST, "asked": size},
    )


def unloaded(name: str) -> ProcessingError:
    """The runner went while somebody still waited for it."""
    return ProcessingError(f"{name} was unloaded.", detail="crashed", runner=name)
