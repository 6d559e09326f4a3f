"""The parts of `bench/gateway.py`."""
