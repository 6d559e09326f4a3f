"""The router contract of seeds/004: its types, enums and keys, with their values on the wire."""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec

API_VERSION = 2
API_MINOR = 1
SUPPORTED = (1, 2)
"""Client majors that are served; others get a VersionError (E406)."""


class _Lenient(StrEnum):
    """An enum of which the first member stands for every name that is not known."""

    @classmethod
    def _missing_(cls, value: object) -> _Lenient:
        return next(iter(cls))


class RuntimeBackend(_Lenient):
    """Preferred hardware. Unknown names mean AUTO."""

    AUTO = "AUTO"
    CPU = "CPU"
    GPU = "GPU"
    NPU = "NPU"


class AITaskType(_Lenient):
    """Kinds of task. Unknown names mean TEXT_GENERATION."""

    TEXT_GENERATION = "TEXT_GENERATION"
    IMAGE_ANALYSIS = "IMAGE_ANALYSIS"
    SPEECH_RECOGNITION = "SPEECH_RECOGNITION"
    SPEECH_SYNTHESIS = "SPEECH_SYNTHESIS"
    CONTENT_MODERATION = "CONTENT_MODERATION"


class RunnerType(_Lenient):
    """Which implementation to use for a task. Unknown names mean DEFAULT."""

    DEFAULT = "DEFAULT"
    MOCK = "MOCK"
    EXECUTORCH = "EXECUTORCH"
    ONNX = "ONNX"
    MTK_APU = "MTK_APU"
    LLAMA_CPP = "LLAMA_CPP"
    SYSTEM = "SYSTEM"


class ResponseState(StrEnum):
    """Where a response stands. Unknown names mean ERROR."""

    PROCESSING = "PROCESSING"
    STREAMING = "STREAMING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"

    @classmethod
    def _missing_(cls, value: object) -> ResponseState:
        return cls.ERROR


class LogLevel(IntEnum):
    """Verbosity of `Configuration.logLevel`."""

    OFF = 0
    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    VERBOSE = 5


class SettingKey(StrEnum):
    """Keys of `Configuration.additionalSettings`; the last two are prefixes."""

    ENABLE_LOGGING = "enable_logging"
    CACHE_MODELS = "cache_models"
    MAX_CACHE_SIZE_MB = "max_cache_size_mb"
    ENABLE_STREAMING = "enable_streaming"
    ENABLE_GUARDRAILS = "enable_guardrails"
    MODEL_PATH_PREFIX = "model_path_"
    RUNNER_CONFIG_PREFIX = "runner_config_"


class RequestType(StrEnum):
    """Values of the option `request_type`; the last two are ours (the seed has none for them)."""

    TEXT_CHAT = "text_chat"
    IMAGE_ANALYSIS = "image_analysis"
    AUDIO_TRANSCRIPTION = "audio_transcription"
    MULTIMODAL = "multimodal"
    SPEECH_SYNTHESIS = "speech_synthesis"
    CONTENT_MODERATION = "content_moderation"


REQUEST_TYPE_ALIASES = {"speech_recognition": RequestType.AUDIO_TRANSCRIPTION}


class OptionKey(StrEnum):
    """Keys of `AIRequest.options`; `runner` is ours (checklist B 25)."""

    REQUEST_TYPE = "request_type"
    MODEL_NAME = "model_name"
    MAX_TOKENS = "max_tokens"
    TEMPERATURE = "temperature"
    LANGUAGE = "language"
    RUNNER = "runner"


class MetadataKey(StrEnum):
    """Keys of `AIResponse.metadata`."""

    MODEL_NAME = "model_name"
    PROCESSING_TIME_MS = "processing_time_ms"
    TOKEN_COUNT = "token_count"  # noqa: S105  # a key's name, not a secret
    RUNTIME_BACKEND = "runtime_backend"


class ContentType(StrEnum):
    """Common values of `BinaryData.type`."""

    IMAGE_JPEG = "image/jpeg"
    IMAGE_PNG = "image/png"
    AUDIO_WAV = "audio/wav"
    AUDIO_MP3 = "audio/mp3"
    GENERIC_BINARY = "application/octet-stream"


class ServiceCapability(StrEnum):
    """Names that `has_capability` answers to, beside those of `Capability`."""

    BINARY_DATA = "binary_data"
    STREAMING = "streaming"
    IMAGE_PROCESSING = "image_processing"
    AUDIO_PROCESSING = "audio_processing"
    EXECUTORCH_RUNNER = "executorch_runner"
    ONNX_RUNNER = "onnx_runner"
    MTK_APU_RUNNER = "mtk_apu_runner"


INLINE_LIMIT = 1024 * 1024
"""Bytes of one inline attachment that the seed advises; larger ones are uploaded."""


class BinaryData(msgspec.Struct, frozen=True):
    """Bytes with their type. Equality compares the bytes."""

    type: str
    data: bytes
    metadata: dict[str, str] = {}


def _default_runners() -> dict[AITaskType, RunnerType]:
    return {
        AITaskType.TEXT_GENERATION: RunnerType.DEFAULT,
        AITaskType.IMAGE_ANALYSIS: RunnerType.DEFAULT,
        AITaskType.SPEECH_RECOGNITION: RunnerType.DEFAULT,
    }


class Configuration(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a client asks of the service. Temperature 0-2; `timeout_ms` 0 means none."""

    api_version: int = 1
    log_level: int = 0
    preferred_runtime: RuntimeBackend = RuntimeBackend.AUTO
    runner_configurations: dict[AITaskType, RunnerType] = msgspec.field(
        default_factory=_default_runners
    )
    default_model_name: str = ""
    language_preference: str = "en"
    timeout_ms: int = 30_000
    max_tokens: int = 1024
    temperature: float = 0.7
    additional_settings: dict[str, str] = {}


class AIRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message of a client. `timestamp` in Unix milliseconds."""

    id: str
    text: str
    session_id: str
    timestamp: int
    api_version: int = 1
    binary_attachments: tuple[BinaryData, ...] = ()
    options: dict[str, str] = {}


class AIResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One answer to a client, several when streaming. `error` is set when state is ERROR."""

    request_id: str
    text: str
    is_complete: bool
    state: ResponseState
    api_version: int = API_VERSION
    binary_attachments: tuple[BinaryData, ...] = ()
    metadata: dict[str, str] = {}
    error: str | None = None
