"""Finds, fixes and proves hazards in background-task code."""

__version__ = "0.1.0"
