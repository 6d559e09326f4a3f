"""Where the hub is unless HF_ENDPOINT says otherwise."""

ENDPOINT = "https://huggingface.co"
