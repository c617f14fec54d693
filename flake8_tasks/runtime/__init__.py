"""The reference queue runtime: real Celery tasks in virtual time, through every crash point and schedule within bounds.

It knows nothing of the linter, and the linter nothing of it: it needs the extra `flake8-tasks[runtime]`.
"""
