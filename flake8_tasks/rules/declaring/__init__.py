"""How a function becomes a task: decorators, base classes and the options they take.

Celery keeps every option it does not know as a plain attribute of the task and says nothing, so a slip in a
declaration shows up months later, as a limit that never fired.
"""
