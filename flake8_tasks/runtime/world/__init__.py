"""What tasks act upon: a database, servers outside, mail, a cache; and invariants over what they saw."""
