"""The driver that sends real Celery tasks through Celery's own strategy, request and tracer."""
