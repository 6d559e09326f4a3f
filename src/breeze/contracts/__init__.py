"""The vocabulary of the whole system: requests, events, answers, errors, parameters, runners.

This folder imports nothing else of Breeze.
"""
