"""What can be set on the runware runner: how pictures are asked for, kept, and paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr, field_validator

from breeze.contracts.fields import Choice, choice, integer, number, path, secret, switch, text
from breeze.contracts.parameters import ValidationResult
from breeze.runners._runware_wishes import SIZE, Wishes, wrong_size
from breeze.runners._server_parameters import ServerParameters

BASE_URL = "https://api.runware.ai/v1"


class RunwareParameters(Wishes, ServerParameters):
    """The account, the usual picture, how many at once, what is kept, and what may be spent."""

    api_key: SecretStr = secret(
        "Key of the account", title="API key", env="RUNWARE_API_KEY", requires_reload=True
    )
    base_url: str = text(
        BASE_URL,
        "Address that takes the tasks",
        title="Base URL",
        category="Connection",
        env="RUNWARE_BASE_URL",
        requires_reload=True,
    )
    timeout: float = number(
        30.0,
        "Longest time for one answer or one download",
        category="Connection",
        low=1,
        high=3600,
        unit="s",
        requires_reload=True,
    )
    delivery: str = choice(
        "async",
        [
            Choice(
                "async", "Poll", "Tasks are accepted at once, and asked for until they are done"
            ),
            Choice("sync", "Wait", "One answer that comes when all of its tasks are done"),
        ],
        "How results come",
        category="Connection",
    )
    poll_timeout: float = number(
        1200.0,
        "Longest time for an accepted task to be done",
        category="Connection",
        low=1,
        high=86_400,
        unit="s",
    )
    image_size: str = text(
        "512x512", "Size when the request names none, WIDTHxHEIGHT", category="Pictures"
    )
    steps: int = integer(
        20,
        "Steps when the request names none; models such as runware:100@1 want 4",
        category="Pictures",
        low=1,
        high=100,
    )
    guidance: float = number(
        7.0,
        "How closely to follow the prompt when the request does not say (CFG scale)",
        category="Pictures",
        low=0,
        high=50,
        step=0.5,
    )
    batch_size: int = integer(
        4, "Most tasks in one request to the server", category="Batches", low=1, high=64
    )
    in_flight: int = integer(
        2, "Requests whose tasks may be under way at once", category="Batches", low=1, high=16
    )
    downloads: int = integer(8, "Most downloads at once", category="Batches", low=1, high=64)
    rate_limit_delay: float = number(
        1.0,
        "Least time between two requests that send tasks",
        category="Batches",
        low=0,
        high=60,
        step=0.1,
        unit="s",
    )
    retries: int = integer(
        3,
        "Further tries, after 1, 2, 4 and 8 seconds, for one that failed among others",
        category="Batches",
        low=0,
        high=4,
    )
    keep: bool = switch(True, "Keep every picture as a file", category="Files")
    folder: Path | None = path(
        None,
        "Folder of the files; empty is media/images among the user's data",
        category="Files",
        directory=True,
        must_exist=False,
    )
    cache: bool = switch(
        False,
        "Give a kept picture again for the same request, which costs nothing",
        category="Files",
    )
    image_hosts: str = text(
        "im.runware.ai", "Hosts that results may be fetched from, with commas", category="Files"
    )
    max_megabytes: int = integer(
        50, "Largest picture that is fetched", category="Files", low=1, high=1024, unit="MB"
    )
    daily_limit: float = number(
        0.0,
        "Most that may be spent on the account a day (UTC), as counted here; 0 is no limit",
        category="Cost",
        low=0,
        high=1_000_000,
        unit="$",
    )
    warn_at: float = number(
        0.8, "Share of the daily limit from which on it is said", category="Cost", low=0, high=1,
        step=0.05,
    )  # fmt: skip

    @field_validator("image_size", mode="after")
    @classmethod
    def _drawable(cls, value: str) -> str:
        if not SIZE.fullmatch(value):
            raise ValueError(wrong_size(value))
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        yield from super().cross_check()
        if not self.any_size and (wrong := wrong_size(self.image_size)):
            yield ValidationResult("image_size", "invalid", f"{wrong}, or set any_size")
        if self.cache and not self.keep:
            yield ValidationResult("cache", "warning", "has no effect while keep is off")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that results may be fetched from."""
        return tuple(h.strip().lower() for h in self.image_hosts.split(",") if h.strip())

    @property
    def missing_key(self) -> str:
        """The usual variable of the key, which every server wants but one on this machine."""
        return "" if self.key or self.target.loopback else self.facts["api_key"].env
