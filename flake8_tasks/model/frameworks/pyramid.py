"""Names of Pyramid and of the `transaction` package: requests, and what begins a transaction in a `with`."""

from __future__ import annotations

from typing import Final

REQUEST_TYPES: Final = frozenset({"pyramid.request.Request", "pyramid.interfaces.IRequest"})
# What makes an environment for a script, whose item "request" is a request.
ENVIRONMENTS: Final = frozenset({"pyramid.scripting.prepare", "pyramid.paster.bootstrap"})
# pyramid_tm gives each request its transaction manager under this name.
MANAGER_ATTRIBUTE: Final = "tm"
MANAGERS: Final = frozenset(
    {"transaction.manager", "transaction.TransactionManager", "transaction.ThreadTransactionManager"}
)
