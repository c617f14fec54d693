"""Which calls run inside an open transaction."""
