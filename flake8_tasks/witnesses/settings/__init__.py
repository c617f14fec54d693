"""Witnesses of the rules in `rules/settings`."""
