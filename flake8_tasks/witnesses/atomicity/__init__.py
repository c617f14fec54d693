"""Witnesses of the rules in `rules/atomicity`."""
