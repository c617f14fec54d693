"""Witnesses of the rules in `rules/periodic`."""
