"""The engine of a program's database: SQLite, with the moments at which a process may be killed or has to wait."""
