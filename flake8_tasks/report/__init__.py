"""One module for each way to say it."""
