"""Witnesses of the rules in `rules/limits`."""
