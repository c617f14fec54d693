"""Brokers, settings and logging: the parts of a project that no task mentions and every task depends on."""
