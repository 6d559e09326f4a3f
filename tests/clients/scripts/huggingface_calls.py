"""Calls of the official client: `python huggingface_calls.py ORIGIN FOLDER`, one after another."""

import sys
from pathlib import Path
from typing import Any

from huggingface_hub import constants

origin, folder = sys.argv[1], Path(sys.argv[2])
constants.INFERENCE_PROXY_TEMPLATE = origin + "/{provider}"

from huggingface_hub import InferenceClient  # noqa: E402  # it reads the address when imported
from huggingface_hub.inference._providers import hf_inference  # noqa: E402

hf_inference._check_supported_task = lambda model, task: None  # asks the hub, which is not here


def client(**how: Any) -> InferenceClient:
    return InferenceClient(provider="hf-inference", api_key="test-key", **how)


wav = (folder / "a.wav").read_bytes()
hub = client()
hub.automatic_speech_recognition(folder / "a.wav", model="openai/whisper-large-v3")
hub.automatic_speech_recognition(
    folder / "a.wav",
    model="openai/whisper-large-v3",
    extra_body={"return_timestamps": True, "generation_parameters": {"temperature": 0.25}},
)
hub.text_to_speech("Good morning", model="org/tts-1")
hub.text_to_image("A red house", model="org/painter", width=64, height=48)
hub.text_to_image(
    "A red house", model="org/painter", width=64, height=48, num_inference_steps=5,
    guidance_scale=2.5, negative_prompt="people", seed=7,
)  # fmt: skip
hub.feature_extraction(["one", "two"], model="org/e5 small")
hub.feature_extraction(["one"], model="org/e5", dimensions=4)
client(bill_to="acme").text_to_speech("Hi", model="org/tts-1")
InferenceClient(model=origin + "/hf-inference", api_key="test-key").text_to_image("x")
