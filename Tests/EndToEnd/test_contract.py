"""Holds what the other tests were answered against `openapi.yaml`, both ways. Runs last."""

import functools
import json
import pathlib
import re

import jsonschema_rs
import openapi_spec_validator
import pytest
import yaml

from client import PROBLEM, RECORD
from server import ROOT

DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text())
METHODS = ("get", "post", "put", "delete", "patch")
URN = "urn:openapi"
REGISTRY = jsonschema_rs.Registry([(URN, DOCUMENT)], draft=jsonschema_rs.Draft202012)


def resolved(node):
    """A node of the document, or the one that its `$ref` leads to."""
    while "$ref" in node:
        keys = node["$ref"].removeprefix("#/").split("/")
        node = DOCUMENT
        for key in keys:
            node = node[key]
    return node


@functools.cache
def validator_of(schema):
    """For a schema of the document, as JSON. References in it are the document's own."""
    placed = json.loads(re.sub(r'"\$ref": "#', f'"$ref": "{URN}#', schema))
    return jsonschema_rs.Draft202012Validator(placed, registry=REGISTRY, validate_formats=True)


def errors_of(value, schema):
    """What a schema of the document has against a value."""
    errors = validator_of(json.dumps(schema)).iter_errors(value)
    return [f"{error.instance_path}: {error.message[:300]}" for error in errors]


def operations():
    """All operations as (path, method) with their documented parts."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield (path, method.upper()), item[method], item.get("parameters", [])


def documented_answers():
    """All (path, method, status, media type), media type None where there is no body, with their response object."""
    answers = {}
    for (path, method), operation, _ in operations():
        for status, response in operation["responses"].items():
            response = resolved(response)
            for media_type in response.get("content", {None: {}}):
                answers[path, method, status, media_type] = response
    return answers


def template_of(path):
    """The path template that a path fits, fixed ones first."""
    for template in sorted(DOCUMENT["paths"], key=lambda template: template.count("{")):
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            return template
    return None


def observed():
    """What was answered, as ((path, method, status, media type), exchange). `HEAD` counts as its `GET`."""
    for exchange in RECORD:
        template = template_of(exchange.path)
        method = "GET" if exchange.method == "HEAD" else exchange.method
        if template and method.lower() in DOCUMENT["paths"][template]:
            yield (template, method, str(exchange.status), exchange.media_type), exchange


ANSWERS = documented_answers()


@pytest.fixture
def whole_session(request):
    """Skips where only some of the tests ran, since then not everything can have been seen."""
    collected = {item.path.name for item in request.session.items}
    suites = {path.name for path in pathlib.Path(__file__).parent.glob("test_*.py")}
    option = request.config.option
    if collected != suites or option.keyword or option.markexpr or any("::" in name for name in request.config.args):
        pytest.skip("only some of the tests ran")


def test_every_type_of_problem_is_documented_and_used():
    home = ROOT / "Sources/WebService/Problems/ProblemType.swift"
    cases = dict(re.findall(r'^    case (\w+)(?: = "([a-z-]+)")?$', home.read_text(), re.MULTILINE))
    documented = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert sorted(f"urn:segscore:{slug or case}" for case, slug in cases.items()) == sorted(documented)
    sources = "".join(path.read_text() for path in (ROOT / "Sources").rglob("*.swift") if path != home)
    assert [case for case in cases if not re.search(rf"\.{case}\b", sources)] == []


def test_the_document_is_valid_openapi():
    openapi_spec_validator.validate(DOCUMENT)


def test_every_example_fits_its_schema():
    count = 0

    def walk(node, place):
        nonlocal count
        if isinstance(node, dict):
            if "examples" in node and "schema" in node and isinstance(node["examples"], dict):
                for name, example in node["examples"].items():
                    count += 1
                    assert errors_of(example["value"], node["schema"]) == [], f"{place}: {name}"
            for key, value in node.items():
                walk(value, f"{place}/{key}")

    walk(DOCUMENT, "#")
    assert count > 5


def test_every_documented_answer_was_given(whole_session):
    seen = {key for key, _ in observed()}
    missing = [" ".join(map(str, key)) for key in ANSWERS if key[2] != "default" and key not in seen]
    assert missing == []


# Any operation may be answered so, as openapi.yaml says ahead of them all: memory is short, or a file is gone.
OF_ANY_OPERATION = ((503, b"urn:segscore:out-of-memory"), (500, b"urn:segscore:state-lost"))


def is_of_the_machine(exchange):
    """Whether it is what any operation answers if memory or the disk fails it."""
    if exchange.had_faults and exchange.status in (200, 201, 202) and not exchange.body:
        # The document of what was done had no memory.
        return True
    if exchange.media_type != PROBLEM:
        return False
    if exchange.had_faults and exchange.status in (500, 503, 507):
        return True
    return any(exchange.status == status and name in exchange.body for status, name in OF_ANY_OPERATION)


def test_every_answer_given_is_documented():
    strange = {
        " ".join(map(str, key))
        for key, exchange in observed()
        if key not in ANSWERS and not (exchange.method == "HEAD" and key[3] is None) and not is_of_the_machine(exchange)
    }
    assert sorted(strange) == []


def test_every_documented_parameter_was_sent(whole_session):
    sent = {(key[0], key[1], name) for key, exchange in observed() for name in exchange.parameters}
    documented = {
        (path, method, parameter["name"])
        for (path, method), operation, shared in operations()
        for parameter in (resolved(node) for node in operation.get("parameters", []) + shared)
        if parameter["in"] == "query"
    }
    assert sorted(documented - sent) == []


def test_every_json_body_fits_its_schema():
    problems = set()
    bodies = {(key, exchange.body) for key, exchange in observed() if exchange.method != "HEAD"}
    for key, body in bodies:
        if key not in ANSWERS or key[3] not in ("application/json", PROBLEM):
            continue
        schema = ANSWERS[key]["content"][key[3]]["schema"]
        problems.update(f"{' '.join(key)}: {error}" for error in errors_of(json.loads(body), schema))
    assert sorted(problems) == []


def test_every_field_that_is_promised_is_there_and_fits_its_schema():
    problems = set()
    for key, exchange in observed():
        for name, field in ANSWERS.get(key, {}).get("headers", {}).items():
            field = resolved(field)
            value = exchange.fields.get(name.lower())
            if value is None:
                if field.get("required"):
                    problems.add(f"{' '.join(map(str, key))}: no {name}")
                continue
            typed = int(value) if field["schema"].get("type") == "integer" and value.isdigit() else value
            errors = errors_of(typed, field["schema"])
            problems.update(f"{' '.join(map(str, key))}: {name}: {error}" for error in errors)
    assert sorted(problems) == []


def test_paths_and_methods_that_are_not_documented_are_refused():
    strange = set()
    for exchange in RECORD:
        template = template_of(exchange.path)
        method = "get" if exchange.method == "HEAD" else exchange.method.lower()
        # Without a key nobody is told what there is.
        if template is None and exchange.status not in (401, 404, 503):
            strange.add(f"{exchange.method} {exchange.path}: {exchange.status}, and not 404")
        elif template and method not in DOCUMENT["paths"][template] and exchange.status not in (401, 405):
            strange.add(f"{exchange.method} {exchange.path}: {exchange.status}, and not 405")
    assert sorted(strange) == []
