"""Carries out edits: what to take, how to write it."""
