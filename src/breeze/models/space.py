"""Whether there is room, before the first byte comes."""

from __future__ import annotations

from pathlib import Path

from breeze.contracts.errors import DownloadError, RunnerError
from breeze.models.disk import free_bytes, own_bytes
from breeze.models.settings import StoreSettings


def check_room(
    root: Path, needed: int, settings: StoreSettings, *, leaving: int = 0, how: str = "fetched"
) -> None:
    """Raises DownloadError when `needed` more bytes under `root` would be too many.

    `leaving`: bytes that are there now and do not stay. `how` the bytes come.
    """
    free = max(0, free_bytes(root) - settings.reserve)
    if needed > free:
        raise _full(
            f"{_shown(needed)} are to be {how}, but the disk of {root} has {_shown(free)} left "
            f"(beside a reserve of {_shown(settings.reserve)}). Free some space: breeze models gc, "
            "breeze models remove ID.",
            "disk_full",
            {"needed": needed, "free": free},
        )
    if not settings.quota:
        return
    used = max(0, own_bytes(root) - leaving)
    if used + needed > settings.quota:
        raise _full(
            f"{_shown(needed)} are to be {how}, but models take {_shown(used)} of the "
            f"{_shown(settings.quota)} that they may. Raise globalSettings.models.quotaGb, or "
            "remove some: breeze models remove ID.",
            "quota",
            {"needed": needed, "used": used, "quota": settings.quota},
        )


def _full(message: str, detail: str, data: dict[str, int]) -> RunnerError:
    return DownloadError(message, field="model", detail=detail, retryable=False, data=data)


def _shown(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"
