"""The doors: flake8 and the command line."""
