"""Property tests here are bounded by examples, never by wall time: the machine may be busy."""

from hypothesis import settings

settings.register_profile("contracts", deadline=None, max_examples=60, print_blob=True)
settings.load_profile("contracts")
