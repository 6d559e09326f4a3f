"""The seeds' metadata keys, with units: what an event or an answer may carry in `metadata`."""

from __future__ import annotations

from typing import NamedTuple

from breeze.contracts.capability import Capability


class Key(NamedTuple):
    """A metadata key: its unit or type, what it says, and for which capabilities it is filled."""

    unit: str
    meaning: str
    capabilities: tuple[Capability, ...]


_LLM = (Capability.LLM, Capability.VLM)
_ALL = tuple(Capability)
_ASR, _TTS = (Capability.ASR,), (Capability.TTS,)
_VLM, _GUARD, _IMAGE = (Capability.VLM,), (Capability.GUARDIAN,), (Capability.IMAGE,)

KEYS: dict[str, Key] = {
    # every answer
    "model_name": Key("text", "model that answered", _ALL),
    "processing_time_ms": Key("ms", "from admission to the end of the stream", _ALL),
    "runtime_backend": Key("CPU, GPU or NPU", "where the work ran", _ALL),
    "session_id": Key("text", "the request's session", _ALL),
    "mock": Key("bool", "a mock made this", _ALL),
    "confidence": Key("0-1", "the runner's own certainty", _ALL),
    "progress": Key("0-100", "how far the work is (older name of progress_percent)", _ALL),
    "progress_percent": Key("0-100", "how far the work is", _ALL),
    "estimated_remaining_ms": Key("ms", "time still needed", _ALL),
    "quality_score": Key("0-1", "measured quality", _ALL),
    "model_confidence": Key("0-1", "certainty of the model", _ALL),
    "bytes_per_second": Key("bytes/s", "measured rate of a download", _ALL),
    "stream_mode": Key("bool", "delivered as a stream", _ALL),
    # text
    "tokens_generated": Key("tokens", "made so far", _LLM),
    "estimated_total": Key("tokens", "expected in all", _LLM),
    "finish_reason": Key("text", "why the text ended", _LLM),
    "generation_speed": Key("tokens/s", "measured rate", _LLM),
    "current_token": Key("text", "the token just made", _LLM),
    "sentence_index": Key("from 0", "sentence this piece belongs to", (*_LLM, *_TTS)),
    "total_sentences_estimated": Key("count", "sentences expected", _LLM),
    "reasoning_complete": Key("bool", "reasoning has ended", _LLM),
    "token_count": Key("tokens", "in the whole answer", _LLM),
    "prompt_tokens": Key("tokens", "in the request", _LLM),
    "refusal": Key("bool", "the text is the model's refusal", _LLM),
    # text by a server that searches and calls tools by itself
    "inference_mode": Key("remote", "where the work ran", _LLM),
    "request_type": Key("LLM, VLM, RAG, AGENT", "which way the request took", _LLM),
    "capability_type": Key("LLM, VLM, RAG, AGENT", "older name of request_type", _LLM),
    "endpoint_used": Key("URL", "server that was asked", _LLM),
    "model_used": Key("text", "model that was asked", _LLM),
    "llama_stack_version": Key("text", "version of that server", _LLM),
    "rag_sources_used": Key("count", "sources that the answer stands on", _LLM),
    "sources": Key("list", "passages found: source, text, score, cited", _LLM),
    "tools_available": Key("count", "tools the model could call", _LLM),
    "server_tool_calls": Key("list", "tools that the server called by itself", _LLM),
    # speech to text
    "is_final": Key("bool", "closes a segment", _ASR),
    "words": Key("list", "words with times and confidence", _ASR),
    "audio_duration_processed_ms": Key("ms", "audio heard so far", _ASR),
    "speaker_id": Key("text", "who speaks, where the runner can tell", _ASR),
    "language_detected": Key("BCP 47", "language heard", _ASR),
    "chunk_index": Key("from 0", "chunk of audio", (*_ASR, *_TTS)),
    "chunks_processed": Key("count", "chunks heard so far", _ASR),
    "total_chunks": Key("count", "chunks in all (ceiling), when known", _ASR),
    "current_word": Key("text", "the last word", _ASR),
    "word_confidence": Key("0-1", "of the last word", _ASR),
    "word_start_time": Key("s", "of the last word", _ASR),
    "word_end_time": Key("s", "of the last word", _ASR),
    "words_recognized": Key("count", "words so far", _ASR),
    "overall_confidence": Key("0-1", "mean over the words", _ASR),
    "alternative_words": Key("list", "other readings of the last word", _ASR),
    "segment_index": Key("from 0", "segment of speech", _ASR),
    "audio_length_ms": Key("ms", "length of the input", _ASR),
    "audio_format": Key("text", "encoding of the sound", (*_ASR, *_TTS)),
    "audio_size_bytes": Key("bytes", "size of the sound", (*_ASR, *_TTS)),
    # text to speech
    "text_characters_processed": Key("characters", "spoken so far", _TTS),
    "audio_duration_ms": Key("ms", "sound made so far", _TTS),
    "synthesis_progress": Key("0-100", "how far the text is spoken", _TTS),
    "end_verified": Key("bool", "the provider's own times say that all was spoken", _TTS),
    "voice_used": Key("text", "the voice", _TTS),
    "quality_level": Key("text", "of the voice", _TTS),
    "total_sentences": Key("count", "sentences in the text", _TTS),
    "sentence_text": Key("text", "sentence being spoken", _TTS),
    "cumulative_duration_ms": Key("ms", "sound made so far", _TTS),
    "speaking_rate": Key("factor", "1 is the voice's own", _TTS),
    "pitch": Key("factor", "1 is the voice's own", _TTS),
    "sample_rate": Key("Hz", "of the sound", _TTS),
    "channels": Key("count", "of the sound", _TTS),
    # vision
    "detected_objects": Key("list", "what is in the picture, with regions", _VLM),
    "scene_description": Key("text", "the picture in one sentence", _VLM),
    "analysis_step": Key("text", "step being done", _VLM),
    "processing_region": Key("x, y, width, height", "part being looked at", _VLM),
    "current_step": Key("from 1", "step being done", _VLM),
    "total_steps": Key("count", "steps in all", _VLM),
    "methods": Key("list", "means that were used", _VLM),
    "image_size_bytes": Key("bytes", "size of the picture", _VLM),
    "image_format": Key("text", "encoding of the picture", _VLM),
    "analysis_mode": Key("qa or description", "question answered or picture described", _VLM),
    # safety
    "safety_status": Key("SAFE, WARNING, BLOCKED", "judgement so far", _GUARD),
    "risk_score": Key("0-1", "risk so far", _GUARD),
    "check_type": Key("text", "check being done", _GUARD),
    "detected_issues": Key("list", "rules that matched", _GUARD),
    "analysis_progress": Key("0-100", "how far the checks are", _GUARD),
    "text_portion_analyzed": Key("characters", "text judged so far", _GUARD),
    "total_checks": Key("count", "checks in all", _GUARD),
    "completed_checks": Key("count", "checks done", _GUARD),
    "strictness_level": Key("low, medium, high", "as applied", _GUARD),
    # pictures
    "generation_time": Key("s", "to make the picture", _IMAGE),
    "steps": Key("count", "as used", _IMAGE),
    "guidance": Key("number", "as used", _IMAGE),
    "seed": Key("integer", "as used", _IMAGE),
    "spent_today": Key("$", "on this account since midnight UTC, as far as known here", _IMAGE),
    "daily_limit": Key("$", "that may be spent a day", _IMAGE),
}
"""Every key that a shipped runner may fill. A key outside this table fails the conformance kit."""
