"""Who shows that a rule is right: each runs its rule's own `bad` and `good` in the reference runtime."""
