"""Witnesses of the rules in `rules/arguments`."""
