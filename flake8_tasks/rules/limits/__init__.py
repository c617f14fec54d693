"""How long a task may run, and what becomes of its message when the worker dies.

Celery sets no limit by itself: a task that hangs keeps its slot until somebody restarts the worker.
"""
