"""Witnesses of the rules in `rules/waiting`."""
