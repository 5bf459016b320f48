"""Loaded once by the process that gateways are forked from: the code and the documents that each would load itself."""

from __future__ import annotations

import gateway.serving
import spec
import tests.torture.replicas

spec.document_30("gateway")
spec.operations("gateway")

__all__ = ["gateway", "spec", "tests"]
