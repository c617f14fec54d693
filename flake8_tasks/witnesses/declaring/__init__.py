"""Witnesses of the rules in `rules/declaring`."""
