"""Changes that take more than one place, worked out as groups of edits."""
