"""What an answer that is no file means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from breeze.contracts.errors import (
    AuthenticationError,
    DownloadError,
    InputError,
    NotFoundError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.models.web import shown

LATER = (408, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""
_BAD_TOKEN = "invalid credentials"  # noqa: S105  # what a hub says of one


def refusal(status: int, headers: Mapping[str, str], url: str, what: str) -> RunnerError:
    """The error for an answer to a GET of `url`, which was to give `what`."""
    code = headers.get("x-error-code", "")
    message = headers.get("x-error-message", "")[:300]
    where = f"{what} at {shown(url)}"
    if code == "GatedRepo":
        return _access(
            f"{what} is gated: ask for access on its page at the hub, then set HF_TOKEN to a key "
            "of the account that was given it.", "gated",
        )  # fmt: skip
    if code == "DisabledRepo":
        return _gone(f"{what} was disabled by the hub. Choose another model.", "disabled")
    if code == "RevisionNotFound":
        return _gone(f"{what} has no such revision: name a branch, a tag or a commit.", "revision")
    if code == "EntryNotFound":
        return _gone(f"{what} is not in the repository at this revision. Check its name.", "entry")
    if status == 401 and _BAD_TOKEN in message.lower():
        return _access(f"The hub refuses the key in HF_TOKEN for {what}. Set a valid one.", "token")
    if status == 401 or code == "RepoNotFound":
        return _access(
            f"{what} is private, or there is no such repository. Check its name; for a private one "
            "set HF_TOKEN to a key that may read it.", "private",
        )  # fmt: skip
    if status == 403:
        return _access(
            f"{where} is forbidden. Set HF_TOKEN to a key that may read it.", "forbidden"
        )
    if status in (404, 410):
        return _gone(f"{where} is not there (HTTP {status}). Check the name.", "entry")
    return _temporary(status, headers, where)


def _temporary(status: int, headers: Mapping[str, str], where: str) -> RunnerError:
    wait = retry_after(headers)
    if status == 429:
        again = f"in {wait:g} s" if wait is not None else "in a minute"
        return RateLimitError(
            f"{where}: too many requests. Pull again {again}, or set HF_TOKEN for a higher limit.",
            retry_after=wait,
            field="model",
        )
    if status in LATER:
        return UnavailableError(
            f"{where} is not available now (HTTP {status}). Pull again later: it goes on where it "
            "stopped.",
            retry_after=wait,
            field="model",
        )
    if status in (301, 302, 303, 307, 308):
        return DownloadError(f"{where} is redirected nowhere.", field="model", retryable=False)
    if status == 400:
        return InputError(f"{where} is refused (HTTP 400). Check the name.", field="model")
    return DownloadError(f"{where} was answered with HTTP {status}.", field="model")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait; None when it says nothing that can be read."""
    said = headers.get("retry-after", "").strip()
    if not said and (limits := headers.get("ratelimit", "")):
        said = next((p[2:] for p in limits.replace(" ", "").split(";") if p.startswith("t=")), "")
    return float(said) if said.isascii() and said.isdecimal() and len(said) < 7 else None


def _access(message: str, detail: str) -> RunnerError:
    return AuthenticationError(message, field="model", detail=detail)


def _gone(message: str, detail: str) -> RunnerError:
    return NotFoundError(message, field="model", detail=detail)
