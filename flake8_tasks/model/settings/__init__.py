"""The Celery settings of a project, and the apps that read them."""
