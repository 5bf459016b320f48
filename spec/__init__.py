"""The VGCP standard: documents, schemas, prose and the requirement registry. Its only Python loads them.

spec.document("gateway")      the bundled OpenAPI 3.1 document (document_30: OpenAPI 3.0.3)
spec.validator("Order")       .errors(value) -> [(pointer, message)]
spec.operations("channel")    the operations as values (operation(role, id): one of them)
spec.problems()               the closed catalogue, by code
spec.transitions()            the life of an order (entitlement_transitions: of what a buyer owns)
spec.requirements()           one row for each normative sentence
spec.requirements_digest()    names the set of them that the version was released with
"""

from spec.bundle import bundled as document
from spec.catalogue import (
    ProblemType,
    Profile,
    Transitions,
    entitlement_transitions,
    problems,
    profiles,
    transitions,
)
from spec.derive import document_30, document_codegen
from spec.frozen import requirements_digest
from spec.loader import VERSION
from spec.orphans import Orphan
from spec.orphans import orphans as orphan_rules
from spec.registry import Requirement, requirements
from spec.validation import Validator, standalone, type_names, validator
from spec.wire import Operation, operation, operations

PATH = "/vgcp/v1"

__all__ = [
    "PATH",
    "VERSION",
    "Operation",
    "Orphan",
    "ProblemType",
    "Profile",
    "Requirement",
    "Transitions",
    "Validator",
    "document",
    "document_30",
    "document_codegen",
    "entitlement_transitions",
    "operation",
    "operations",
    "orphan_rules",
    "problems",
    "profiles",
    "requirements",
    "requirements_digest",
    "standalone",
    "transitions",
    "type_names",
    "validator",
]
