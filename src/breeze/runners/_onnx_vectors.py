"""A loaded model that turns texts into vectors, by plain ONNX."""

from __future__ import annotations

from typing import Any

from breeze.contracts.errors import HardwareError, InputError, ProcessingError
from breeze.contracts.events import Embedding, EmbedEvent, Finish
from breeze.contracts.threads import Outlet
from breeze.contracts.values import Usage
from breeze.contracts.work import Work
from breeze.runners import _onnx_providers as providers
from breeze.runners._onnx_models import OnnxModel, pooling, unloadable
from breeze.runners._onnx_parameters import OnnxParameters
from breeze.runners._stoppable_session import run_options
from breeze.runners._vision_stop import Stop


class OnnxVectors:
    """A model in memory. `dimensions` of its vectors, 0 when only the first one will show."""

    def __init__(self, model: OnnxModel, parameters: OnnxParameters) -> None:
        self.model = model
        self.backend = providers.kind(parameters.provider)
        self.context = min(parameters.n_ctx or model.context, model.context or parameters.n_ctx)
        self._pooling = pooling(model.folder)
        self._normalise = parameters.normalise
        try:
            self._session = _session(model, parameters)
            self._tokenizer = _tokenizer(model)
        except HardwareError:
            raise
        except Exception as error:  # both libraries raise bare or private kinds
            raise unloadable(model.id, error, "onnxruntime") from error
        self._takes = {wanted.name for wanted in self._session.get_inputs()}
        last = self._session.get_outputs()[0].shape[-1]
        self.dimensions = last if isinstance(last, int) else 0

    def run(self, texts: tuple[str, ...], work: Work, outlet: Outlet[EmbedEvent]) -> None:
        """Send a vector for each text. Blocks; a stop takes effect within a text too."""
        used = 0
        with run_options(Stop(lambda: outlet.closed)) as options:
            for index, text in enumerate(texts):
                tokens = self._tokens(text, f"texts[{index}]")
                try:
                    vector = self._vector(tokens, options)
                except Exception as error:  # the runtime's kinds derive from Exception only
                    if outlet.closed:
                        return
                    raise ProcessingError(f"onnxruntime failed: {error}.") from error
                work.steps += 1
                used += len(tokens)
                if not outlet.send(Embedding(index, vector)):
                    return
        outlet.send(Usage(prompt_tokens=used))
        metadata = {"model_name": self.model.id, "runtime_backend": self.backend}
        outlet.send(Finish(metadata=metadata))

    def _tokens(self, text: str, field: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text).ids
        if not tokens:
            raise InputError(f"{field} has nothing to read: give it a word.", field=field)
        if self.context and len(tokens) > self.context:
            raise InputError(
                f"{field}: {len(tokens)} tokens, but {self.model.id} takes {self.context}. "
                "Split the text, or choose another model.",
                field=field,
                model=self.model.id,
                detail="context_length_exceeded",
                data={"limit": self.context, "asked": len(tokens)},
            )
        return tokens

    def _vector(self, tokens: list[int], options: Any) -> bytes:
        """The vector of a text as little-endian float32."""
        import numpy as np

        ids = np.array([tokens], dtype=np.int64)
        given = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        feed = {name: value for name, value in given.items() if name in self._takes}
        found = self._session.run(None, feed, options)[0]
        if found.ndim == 3:  # a vector for each token
            found = found[:, 0] if self._pooling == "cls" else found.mean(axis=1)
        vector = found[0].astype("<f4")
        if self._normalise and (length := float(np.linalg.norm(vector))):
            vector = (vector / length).astype("<f4")
        return bytes(vector.tobytes())


def _session(model: OnnxModel, parameters: OnnxParameters) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = parameters.threads
    options.inter_op_num_threads = 1
    wanted = providers.known(parameters.provider)
    places: dict[str, dict[str, str]] = {wanted.native: dict(wanted.options)}
    places.setdefault("CPUExecutionProvider", {})
    session = onnxruntime.InferenceSession(str(model.graph), options, providers=[*places.items()])
    if wanted.native not in session.get_providers():  # it goes on with the rest of them
        raise providers.refused(parameters.provider)
    return session


def _tokenizer(model: OnnxModel) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model.folder / "tokenizer.json"))
    tokenizer.no_truncation()  # a text that is too long is refused, never cut unseen
    tokenizer.no_padding()
    return tokenizer
