"""The version stands in `VERSION`, and everywhere else it is the same."""

import re

import yaml

from documents import text_of
from server import run

VERSION = text_of("VERSION").strip()


def test_the_version_is_one_of_semantic_versioning():
    assert text_of("VERSION") == f"{VERSION}\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", VERSION)


def test_the_program_has_it(client):
    for argument in ("--version", "version"):
        assert run(argument).stdout.splitlines()[0] == f"segscore {VERSION}"
    assert client.get("/version").json()["version"] == VERSION
    assert client.get("/v2").json()["version"] == VERSION


def test_the_document_of_the_wire_has_it():
    document = yaml.safe_load(text_of("openapi.yaml"))
    assert document["info"]["version"] == VERSION
    answer = document["paths"]["/version"]["get"]["responses"]["200"]["content"]["application/json"]
    assert [example["value"]["version"] for example in answer["examples"].values()] == [VERSION]


def test_the_python_package_has_it():
    assert text_of("Clients/python/src/segscore/_version.py") == f'__version__ = "{VERSION}"\n'


def test_the_container_image_has_it():
    assert re.findall(r"^ARG VERSION=(.*)$", text_of("Dockerfile"), re.MULTILINE) == [VERSION]


def test_the_changes_begin_with_it():
    assert re.search(r"^## ([^\s,]+)", text_of("CHANGELOG.md"), re.MULTILINE)[1] == VERSION
