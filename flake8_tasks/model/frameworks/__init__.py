"""Tables of what each framework calls things.  No logic."""
