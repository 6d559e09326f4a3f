"""Clients of every kind, for as long as wanted, and whether the server is the same afterwards."""
