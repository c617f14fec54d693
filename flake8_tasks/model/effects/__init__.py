"""What a task does to the outside, and what is left behind when it stops half way."""
