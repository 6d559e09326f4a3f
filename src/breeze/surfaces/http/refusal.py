"""What is said to requests that never reach the application, and why."""

from __future__ import annotations

from breeze.contracts.errors import InputError, RunnerError, TooLargeError
from breeze.surfaces.http.opening import status_line
from breeze.surfaces.http.problems import reply


def refusal(error: RunnerError, url: bytes) -> bytes:
    """`error` as the last answer of a connection, in the dialect of the path."""
    made = reply(error, "openai" if url.startswith(b"/v1/") else "native")
    lines = b"content-type: %b\r\ncontent-length: %d" % (made.type, len(made.body))
    return b"%b%b\r\nconnection: close\r\n\r\n%b" % (status_line(made.status), lines, made.body)


def unreadable(error: Exception) -> RunnerError:
    """Why the parser stopped: for a reason of ours, or because that was no HTTP."""
    if isinstance(error.__context__, RunnerError):
        return error.__context__
    return InputError("Invalid HTTP request received. This server speaks HTTP/1.1.")


def too_long(limit: int) -> RunnerError:
    """A head of too many bytes."""
    return TooLargeError(
        f"The head of the request is longer than {limit} bytes: send long values in the body.",
        data={"status": 431, "limit": limit},
    )


def too_many(limit: int) -> RunnerError:
    """A head of too many lines."""
    return TooLargeError(
        f"The request has more than {limit} headers.", data={"status": 431, "limit": limit}
    )


def too_slow(part: str) -> RunnerError:
    """A head or a body that does not come."""
    return InputError(
        f"The {part} of the request came too slowly: send it at once.", data={"status": 408}
    )


def no_proxy() -> RunnerError:
    """A tunnel to somewhere else."""
    return InputError("This server is no proxy: it opens no tunnels.", data={"status": 405})


def too_soon() -> RunnerError:
    """A WebSocket that is asked for behind requests on the same connection."""
    return InputError("A WebSocket begins when the answers before it are complete.")
