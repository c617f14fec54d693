"""What travels in a message, and in the result that comes back.

Arguments are written out when a task is sent and read again in another process, later: what cannot be written
fails at the call, and what can may be out of date, or dangerous to read, by the time the task runs.
"""
