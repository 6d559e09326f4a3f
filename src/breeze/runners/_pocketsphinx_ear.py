"""One decoder of PocketSphinx: the one place that knows its interface and its traps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from breeze.contracts.values import Word
from breeze.runners._pocketsphinx_grammar import checked

RATE = 16_000
_STEP = 960
"""Bytes given at once, 30 ms: the decoder holds Python's lock while it works on them."""
_PRIOR = 500
"""Frames for which the decoder's first idea of a voice counts when it learns the real one."""
_HOP, _FRAME = 320, 820
"""Bytes between two of its frames, and in one."""
_VARIANT = re.compile(r"\(\d+\)$")


class Models(NamedTuple):
    """The files of a language; None is the one in the wheel. `grammar` is JSGF, or empty."""

    acoustic: Path | None = None
    dictionary: Path | None = None
    language: Path | None = None
    grammar: str = ""


class Ear:
    """A decoder that hears one stream at a time. Making one takes 0.3 s and 90 MB.

    Raises ValueError for a grammar that cannot be, and RuntimeError for models.

    The decoder normalises sound by the mean of a voice, which it corrects slowly, and by the
    noise it has heard. `attend` makes it forget both, so that a stream is heard the same whatever
    came before; `adapt` gives it the mean of the voice at hand.
    """

    def __init__(self, models: Models) -> None:
        from pocketsphinx import Decoder, get_model_path

        # The language model is added apart, which halves the time for which the lock is held.
        # Without the second pass (fwdflat) an end takes 5 ms and not 100, and errors stay as many.
        self._native: Any = Decoder(
            samprate=RATE,
            loglevel="FATAL",
            hmm=str(models.acoustic or get_model_path("en-us/en-us")),
            dict=str(models.dictionary or get_model_path("en-us/cmudict-en-us.dict")),
            lm=None,
            fwdflat=False,
        )
        language = models.language or get_model_path("en-us/en-us.lm.bin")
        self._native.add_lm_file("open", str(language))
        if models.grammar:
            checked(models.grammar, self.knows)
            self._native.add_jsgf_string("grammar", models.grammar)
        self._usual = "grammar" if models.grammar else "open"
        self._means = self._native.get_cmn(False)
        self._listening = self._asked = False

    def knows(self, word: str) -> bool:
        """Whether the dictionary has `word`."""
        return self._native.lookup_word(word) is not None

    def attend(self, grammar: str = "") -> None:
        """Begin a stream, in which only what `grammar` (JSGF) allows is heard if it is given."""
        self.leave()
        self._native.reinit_feat()
        if grammar:
            self._native.add_jsgf_string("asked", grammar)
            self._asked = True
        self._native.activate_search("asked" if grammar else self._usual)

    def leave(self) -> None:
        """End a stream, wherever it is."""
        if self._listening:
            self.close()
        if self._asked:
            self._native.activate_search(self._usual)
            self._native.remove_search("asked")
            self._asked = False

    def open(self) -> None:
        """Begin an utterance."""
        self._native.start_utt()
        self._listening = True

    def hear(self, pcm: bytes, stopped: Callable[[], bool]) -> None:
        """The next sound of the utterance."""
        for start in range(0, len(pcm), _STEP):
            if stopped():
                return
            self._native.process_raw(pcm[start : start + _STEP])

    def close(self) -> None:
        """End the utterance; `words` then have their confidence."""
        self._listening = False
        self._native.end_utt()

    def adapt(self, pcm: bytes, stopped: Callable[[], bool]) -> None:
        """Learn the mean of the voice from `pcm`, all of the utterance so far, and hear it anew.

        The decoder's own new mean is that of its old one, weighted with 500 frames, and of the
        frames that were not digital silence.
        """
        count = sum(
            1 for at in range(0, len(pcm) - _FRAME, _HOP) if pcm[at : at + _FRAME].strip(b"\0")
        )
        if not count:
            return
        mixed, old = _numbers(self._native.get_cmn(True)), _numbers(self._means)
        real = [
            ((_PRIOR + count) * m - _PRIOR * o) / count for m, o in zip(mixed, old, strict=True)
        ]
        self.close()
        self._native.set_cmn(",".join(f"{mean:.5f}" for mean in real))
        self.open()
        self.hear(pcm, stopped)

    def words(self, start: float) -> tuple[Word, ...]:
        """The words so far of the utterance that began at `start` seconds.

        They have a confidence, the posterior probability, once the utterance is closed.
        """
        return tuple(self._words(start))

    def _words(self, start: float) -> Iterator[Word]:
        for seg in self._native.seg() or ():
            if seg.word[0] in "<[+":  # silence, noise, sentence marks
                continue
            text = _VARIANT.sub("", seg.word)
            begin, end = start + seg.start_frame / 100, start + (seg.end_frame + 1) / 100
            sure = None if self._listening else round(min(1.0, max(0.0, seg.prob)), 3)
            yield Word(text, round(begin, 2), round(end, 2), sure)


def _numbers(means: str) -> list[float]:
    return [float(number) for number in means.split(",")]
