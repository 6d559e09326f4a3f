"""Reading text in pictures with RapidOCR: one step finds the lines, one step a line reads it.

Its models read Latin letters with accents, Chinese (both scripts) and Japanese; not Vietnamese,
Greek, Cyrillic or Korean. Each step can be stopped while its native part runs: ONNX Runtime looks
at the flag of its run options before every node.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from breeze.contracts.errors import NotLoadedError, ProcessingError
from breeze.runners._stoppable_session import run_options
from breeze.runners._vision_stop import Stop

LANGUAGES = ("en", "zh", "zh-TW", "ja", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sv")
_TASKS = ("Det", "Cls", "Rec")
_SMALL = 480
"""Pixels of the longer side up to which a picture is enlarged: letters need some ten pixels."""
_MARGIN = 24
_UNSURE = 0.8


class TextReader:
    """The loaded models. Any number of threads may use it at once."""

    def __init__(self, threads: int) -> None:
        """`threads`: for one native call. Raises NotLoadedError when a model file is missing."""
        from omegaconf import flag_override
        from rapidocr import RapidOCR
        from rapidocr.ch_ppocr_cls import TextClassifier
        from rapidocr.ch_ppocr_det import TextDetector
        from rapidocr.ch_ppocr_rec import TextRecognizer

        self._options = threading.local()
        largest = {"Det.limit_type": "max", "Det.limit_side_len": 1 << 14}
        config = RapidOCR(params={"Global.log_level": "critical", **largest}).cfg
        with flag_override(config, "allow_objects", True):
            for task in _TASKS:
                config[task].session = self._session(_model(task), threads)
            config.Rec.font_path = None
            self._detector = TextDetector(config.Det)
            self._turner = TextClassifier(config.Cls)
            self._recogniser = TextRecognizer(config.Rec)

    def _session(self, model: Path, threads: int) -> Any:
        """A session whose runs obey the options of the thread that calls."""
        import onnxruntime

        current = self._options

        class Session(onnxruntime.InferenceSession):  # type: ignore[misc]  # it has no types
            def run(self, names: Any, feed: Any, run_options: Any = None) -> Any:
                return super().run(names, feed, run_options or getattr(current, "now", None))

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.enable_cpu_mem_arena = False  # else it keeps the memory of the largest picture
        options.log_severity_level = 4
        return Session(str(model), sess_options=options, providers=["CPUExecutionProvider"])

    @contextmanager
    def stoppable(self, stop: Stop) -> Iterator[None]:
        """Lets `stop` end native runs of this thread inside the block: they raise Stopped."""
        from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError

        try:
            with run_options(stop) as self._options.now:
                yield
        except ONNXRuntimeError as error:
            stop.check()
            raise ProcessingError(
                "Reading the picture failed in ONNX Runtime: try a smaller picture."
            ) from error
        finally:
            self._options.now = None

    def find(self, pixels: Any, side: int) -> list[Any]:
        """The corners (4 x 2) of each line of an RGB array, in reading order.

        `side`: pixels of the longer side of the copy in which lines are looked for.
        """
        import cv2

        height, width = pixels.shape[:2]
        longest = max(height, width)
        factor = side / longest if longest > side else min(3.0, max(1.0, _SMALL / longest))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        copy = cv2.resize(
            pixels, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        )
        padded = cv2.copyMakeBorder(copy, *(_MARGIN,) * 4, cv2.BORDER_REPLICATE)
        found = self._detector(cv2.cvtColor(padded, cv2.COLOR_RGB2BGR))
        return [] if found.boxes is None else list((found.boxes - _MARGIN) / factor)

    def read(self, pixels: Any, corners: Any) -> tuple[str, float]:
        """The text of a line that `find` found, and how sure the model is (0 to 1)."""
        import cv2
        from rapidocr.utils.process_img import get_rotate_crop_image

        crop = get_rotate_crop_image(pixels, corners.astype("float32"))
        upright = self._turner([cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)]).img_list[0]
        text, confidence = self._recognise(upright)
        if confidence < _UNSURE:  # the model that tells upside down is not always right
            turned = self._recognise(cv2.rotate(upright, cv2.ROTATE_180))
            text, confidence = max((text, confidence), turned, key=lambda read: read[1])
        return text, confidence

    def _recognise(self, upright: Any) -> tuple[str, float]:
        from rapidocr.ch_ppocr_rec import TextRecInput

        read = self._recogniser(TextRecInput(img=[upright]))
        return str(read.txts[0]).strip(), float(read.scores[0])


def _model(task: str) -> Path:
    """The model file that came with RapidOCR; none is ever fetched."""
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    files = sorted(folder.glob(f"*_{task.lower()}_*.onnx"))
    if not files:
        raise NotLoadedError(
            f"RapidOCR came without its {task.lower()} model: "
            "run pip install --force-reinstall 'rapidocr>=3.10,<4'."
        )
    return files[-1]
