"""Schedules: crontabs, intervals and the entries of the beat schedule."""
