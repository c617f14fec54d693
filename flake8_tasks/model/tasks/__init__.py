"""What makes a task, and what a task is."""
