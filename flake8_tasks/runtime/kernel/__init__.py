"""What all queues share: virtual time, actors, choices, a broker, and the trace of what happened; no Celery."""
