"""The same programs on a real `celery worker` with Redis or RabbitMQ, and what they left behind compared."""
