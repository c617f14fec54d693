"""What `flake8-tasks prove` does once the runtime is there; the only door that imports it."""
