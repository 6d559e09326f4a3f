"""The catalogue, the store, and models that other programs keep."""
