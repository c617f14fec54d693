"""Tasks that hold a worker slot while they wait.

A pool has a fixed number of slots, and a task that waits for another one keeps its own: as soon as all slots wait,
nobody is left to do the work they wait for.
"""
