"""Chooses a runner, loads it, streams its events and keeps the account.

The engine meets runners only through the registry, never by name.
"""
