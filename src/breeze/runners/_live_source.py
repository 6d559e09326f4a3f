"""Sound that comes while it is made: whatever goes wrong with its source is the caller's fault."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager

from breeze.contracts.errors import InputError, RunnerError


@asynccontextmanager
async def listening(live: AsyncIterable[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """The pieces of a live source, which is closed at the end if it can be.

    Raises InputError for what the source, or reading what it gives, raises.
    """
    pieces = aiter(live)
    try:
        yield pieces
    except RunnerError:
        raise
    except Exception as error:  # the source is the caller's: whatever it raises is its fault
        raise InputError(
            f"The live source failed ({type(error).__name__}: {error}). It must give bytes.",
            field="live",
        ) from error
    finally:
        if (close := getattr(pieces, "aclose", None)) is not None:
            await close()
