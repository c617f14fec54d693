"""Witnesses of the rules in `rules/retries`."""
