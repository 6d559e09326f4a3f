"""The decoders of one loaded runner, and the threads in which they work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from breeze.contracts.errors import NotLoadedError
from breeze.runners._memory import give_back
from breeze.runners._pocketsphinx_ear import Ear, Models

T = TypeVar("T")


class Ears:
    """The decoders of a runner: one at once, more when that many streams come together."""

    def __init__(self, models: Models, most: int) -> None:
        self._models = models
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="pocketsphinx")
        self._room = asyncio.Semaphore(most)
        self._free: list[Ear] = []
        self._making: asyncio.Task[None] | None = None

    async def work(self, job: Callable[[], T], stop: Callable[[], None] | None = None) -> T:
        """`job` in a thread. When the caller is cancelled, `stop` is called and the end awaited."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, job)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if stop is not None:
                stop()
            while not running.done():
                try:
                    await asyncio.wait([running])
                except asyncio.CancelledError:  # once more: the native work still has to end
                    continue
            raise

    async def make(self) -> None:
        """One more decoder. Raises NotLoadedError."""
        try:
            await self.work(lambda: self._free.append(Ear(self._models)))
        except ValueError as error:
            raise NotLoadedError(
                f"The grammar cannot be used ({error}): correct grammar or grammar_file.",
                field="grammar",
            ) from error
        except (ImportError, OSError, RuntimeError) as error:
            raise NotLoadedError(
                f"PocketSphinx cannot load its models ({error}): check acoustic_model, dictionary "
                "and language_model, or run pip install 'breeze-engine[local]'."
            ) from error

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Ear]:
        """A decoder that nobody else uses, waited for if need be."""
        async with self._room:
            while not self._free:
                await self._grow()
            ear = self._free.pop()
            try:
                yield ear
            finally:
                self._free.append(ear)

    async def _grow(self) -> None:
        """One more decoder for whoever waits; it is made even if the one who asked has gone."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self.make())
        await asyncio.shield(self._making)

    async def close(self) -> None:
        """Free them all."""
        if self._making is not None:
            await asyncio.wait([self._making])
        self._free.clear()
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(give_back)
