"""How often, how soon and with which cause a task runs again.

Retries are there for the day when something else is broken: that day decides whether they spread the load and end
in time, or send everything back in the same second, for ever.
"""
