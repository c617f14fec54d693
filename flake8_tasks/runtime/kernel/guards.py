"""Keeps a simulated task from what the simulation cannot see: threads, processes, sockets, and loops without an end."""

from __future__ import annotations


class Uncontrolled(BaseException):
    """The program does what the simulation does not control, so nothing it shows can be repeated.

    Not an `Exception`: code under test that catches everything must not hide it.
    """


class Runaway(BaseException):
    """A step of the program took more real time than it may."""
