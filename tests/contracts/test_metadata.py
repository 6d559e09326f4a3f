"""The metadata table holds every key that the seeds name."""

from breeze.contracts.capability import Capability
from breeze.contracts.metadata import KEYS
from breeze.contracts.router import MetadataKey

A, T, V, G, L = Capability.ASR, Capability.TTS, Capability.VLM, Capability.GUARDIAN, Capability.LLM

NAMED = {
    L: """progress tokens_generated estimated_total finish_reason model_name generation_speed
        current_token confidence progress_percent sentence_index total_sentences_estimated
        reasoning_complete""",
    A: """confidence is_final words audio_duration_processed_ms speaker_id language_detected
        chunk_index chunks_processed total_chunks processing_time_ms current_word word_confidence
        word_start_time word_end_time words_recognized overall_confidence alternative_words""",
    T: """sample_rate channels chunk_index text_characters_processed audio_duration_ms
        synthesis_progress voice_used quality_level sentence_index total_sentences sentence_text
        cumulative_duration_ms""",
    V: """detected_objects scene_description analysis_step confidence processing_region
        current_step total_steps""",
    G: """safety_status risk_score analysis_progress check_type confidence detected_issues
        text_portion_analyzed total_checks completed_checks""",
}
EVERYWHERE = "progress estimated_remaining_ms quality_score model_confidence progress_percent"


def test_every_named_key_is_there_for_its_capability() -> None:
    for capability, names in NAMED.items():
        for name in names.split():
            assert capability in KEYS[name].capabilities, (name, capability)
    for name in EVERYWHERE.split():
        assert set(KEYS[name].capabilities) == set(Capability), name


def test_the_router_keys_are_metadata_keys() -> None:
    assert set(MetadataKey) <= set(KEYS)


def test_every_key_says_its_unit_and_meaning() -> None:
    for name, key in KEYS.items():
        assert name == name.lower()
        assert key.unit
        assert key.meaning
        assert key.capabilities
        assert len(set(key.capabilities)) == len(key.capabilities), name
