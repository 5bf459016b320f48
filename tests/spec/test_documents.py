"""The documents are well-formed in every shape in which they are given out, and what is derived is fresh."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from openapi_spec_validator.readers import read_from_filename
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

import spec
from spec import build
from spec.bundle import place, reached, references
from spec.derive import schema_30
from spec.loader import FOLDER, type_homes

ROLES = ("gateway", "channel")
SHAPES = {"3.1": spec.document, "3.0.3": spec.document_30, "codegen": spec.document_codegen}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shape", SHAPES)
def test_derived_documents_are_valid(role: str, shape: str) -> None:
    """openapi-spec-validator finds nothing wrong with any derived document."""
    validate(SHAPES[shape](role))


@pytest.mark.parametrize("role", ROLES)
def test_authored_documents_are_valid(role: str) -> None:
    """openapi-spec-validator reads the authored files, following references from file to file."""
    document, base_uri = read_from_filename(str(FOLDER / "openapi" / f"{role}.yaml"))
    validate(document, base_uri=base_uri)


def test_the_validator_would_notice() -> None:
    """The same validator refuses a document with a parameter that its path does not have."""
    document = spec.document("gateway")
    document["paths"]["/vgcp/v1/offers/{offer}"] = document["paths"].pop("/vgcp/v1/offers/{offer_id}")
    with pytest.raises(OpenAPIValidationError):
        validate(document)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shape", SHAPES)
def test_references_point_inside(role: str, shape: str) -> None:
    """Every reference of a derived document leads to a component of it, and no component is left over."""
    document = SHAPES[shape](role)
    components = document["components"]
    for reference in references(document):
        _, _, group, name = reference.split("/")
        assert name in components[group]
    rest = {key: value for key, value in document.items() if key != "components"}
    kept = {(group, name) for group, items in components.items() for name in items}
    assert {pair for pair in kept if pair[0] != "securitySchemes"} == reached(rest, components)


@pytest.mark.parametrize("role", ROLES)
def test_the_3_0_3_document_says_the_same_operations(role: str) -> None:
    """The derived 3.0.3 document has the operations of the 3.1 one, and no word that 3.0.3 does not know."""
    old, new = spec.document_30(role), spec.document(role)
    assert old["openapi"] == "3.0.3"
    assert {path: list(methods) for path, methods in old["paths"].items()} == {
        path: list(methods) for path, methods in new["paths"].items()
    }
    text = json.dumps(old)
    assert all(f'"{word}":' not in text for word in ("const", "webhooks", "examples", "identifier", "$defs"))


def test_a_constant_becomes_an_enum_of_one() -> None:
    """What 3.0.3 says with other words is translated at every depth; what it cannot say is refused."""
    schema = {"type": "array", "items": {"type": "string", "const": "a", "examples": ["a", "b"]}}
    assert schema_30(schema) == {"type": "array", "items": {"type": "string", "enum": ["a"], "example": "a"}}
    assert schema_30({"allOf": [{"const": 1}]}) == {"allOf": [{"enum": [1]}]}
    for bad in ({"type": ["string", "null"]}, {"prefixItems": []}, {"properties": {"a": {"if": {}}}}):
        with pytest.raises(ValueError, match=r"3\.0\.3 cannot say"):
            schema_30(bad)


def test_webhooks_stand_in_the_canonical_document_only() -> None:
    """The canonical gateway document has the webhook; what generators and connexion get has neither it nor its tag."""
    assert spec.document("gateway")["webhooks"]
    for document in (spec.document_codegen("gateway"), spec.document_30("gateway")):
        assert "webhooks" not in document
        assert "webhooks" not in {tag["name"] for tag in document["tags"]}


def test_the_derived_files_are_fresh() -> None:
    """What is checked in under spec/dist and docs is what `make spec` would write now."""
    assert [path.name for path in build.stale()] == []
    assert set((FOLDER / "dist").iterdir()) <= build.derived().keys()


def test_check_tells_what_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--check` fails on a missing file and writes nothing; without it the file is written, and then all is fresh."""
    monkeypatch.setattr(build, "FOLDER", tmp_path / "spec")
    (tmp_path / "spec").mkdir()
    assert build.main(["--check"]) == 1
    assert list(tmp_path.rglob("*.json")) == []
    assert build.main([]) == 0
    assert len(list(tmp_path.rglob("*.json"))) == 6
    (tmp_path / "spec" / "dist" / "channel.json").write_text("{}", "utf-8")
    assert [path.name for path in build.stale()] == ["channel.json"]
    assert build.main(["--check"]) == 1
    assert build.main(["--nonsense"]) == 2


def test_the_command_runs() -> None:
    """`python -m spec.build --check` is the command that the Makefile and CI use."""
    command = [sys.executable, "-m", "spec.build", "--check"]
    result = subprocess.run(
        command, cwd=FOLDER.parent, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "reference",
    [
        "../schemas/orders.yaml#/Nothing",
        "../schemas/nothing.yaml#/Order",
        "components.yaml#/parameters/Nothing",
        "#/x",
    ],
)
def test_a_dangling_reference_is_refused(reference: str) -> None:
    """Bundling raises on a reference to a type, file or parameter that there is not."""
    with pytest.raises(ValueError, match="leads to nothing"):
        place("openapi/gateway.yaml", reference)


def test_a_document_is_the_caller_s_own() -> None:
    """What a caller changes in a document, nobody else sees."""
    spec.document("channel")["paths"].clear()
    spec.document_30("channel")["paths"].clear()
    assert spec.document("channel")["paths"]
    assert spec.document_30("channel")["paths"]


def test_paths_and_version_are_the_documents() -> None:
    """`PATH` and `VERSION` are those of the documents: all but the well-known paths stand below PATH."""
    for role in ROLES:
        document: dict[str, Any] = spec.document(role)
        assert document["info"]["version"].startswith(f"{spec.VERSION}.")
        assert all(path.startswith(("/.well-known/", f"{spec.PATH}/")) for path in document["paths"])
    assert set(type_homes()) == set(spec.type_names())


def test_import_has_no_side_effect() -> None:
    """Importing the package reads no file of the standard."""
    code = "import spec, spec.loader as l; print(l.read.cache_info().currsize)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.strip() == "0"


def test_the_derived_files_are_checked_in() -> None:
    """No rule of .gitignore keeps a derived file or an example out of the repository."""
    if not (FOLDER.parent / ".git").exists():
        return
    files = [*build.derived(), *(FOLDER / "examples").rglob("*.json")]
    ignored = subprocess.run(
        ["git", "check-ignore", "--stdin"], input="\n".join(map(str, files)),
        cwd=FOLDER.parent, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (ignored.returncode, ignored.stdout) == (1, "")


def test_the_webhook_is_the_channel_s_operation() -> None:
    """What the gateway says it sends is what the channel says it receives: parameters, body and answers by status."""
    sent = spec.document("gateway")["webhooks"]["event"]["post"]
    received = spec.document("channel")["paths"][spec.operation("channel", "receive_event").path]["post"]
    for part in ("parameters", "requestBody", "security"):
        assert sent[part] == received[part], part
    assert list(sent["responses"]) == list(received["responses"])
