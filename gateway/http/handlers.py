"""From an operationId to the function of that name in the module of its tag."""

from __future__ import annotations

import inspect
from types import ModuleType

from gateway.http import (
    aftersale,
    allotments,
    auth,
    catalog,
    consent,
    delivery,
    discovery,
    erasure,
    events,
    export,
    identity,
    identity_testing,
    inventory,
    orders,
    ownership,
    ownership_log,
    passkeys,
    testing,
)
from gateway.http.request import Handler

MODULES: tuple[ModuleType, ...] = (
    discovery,
    auth,
    catalog,
    inventory,
    orders,
    aftersale,
    allotments,
    delivery,
    events,
    ownership,
    ownership_log,
    consent,
    export,
    erasure,
    identity,
    passkeys,
    testing,
    identity_testing,
)


def handlers() -> dict[str, Handler]:
    """All handlers by operationId: the public coroutine functions of the modules of operations."""
    return {
        name: function
        for module in MODULES
        for name, function in vars(module).items()
        if inspect.iscoroutinefunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }
