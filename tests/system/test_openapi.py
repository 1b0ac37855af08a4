# SPDX-License-Identifier: BSD-3-Clause
"""/openapi.json and /docs describe every route with its parameters, as they are."""
import json
import re
import urllib.parse

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, get

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
ROW = re.compile(r'\{C2_(GET|POST|DELETE|PUT), "([^"]+)", \w+,\s*(NULL|"[^"]*"(?:\s*"[^"]*")*)')


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    blosc2.asarray(np.arange(60).reshape(6, 10), urlpath=str(folder / "a.b2nd"), mode="w")
    bro, pub, sub = module_house.chain("d", folder)
    sub.ready()
    return {"broker": bro, "publisher": pub, "subscriber": sub}


@pytest.fixture(scope="module")
def documents(site):
    answers = {name: get(program.url + "/openapi.json") for name, program in site.items()}
    assert all(status == 200 and headers["Content-Type"] == "application/json" for status, headers, _ in answers.values())
    return {name: json.loads(body) for name, (_, _, body) in answers.items()}


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_documents_are_well_formed(documents):
    for name, document in documents.items():
        assert document["openapi"] == "3.0.3" and document["info"]["title"] == f"Caterva2 {name}" and document["info"]["version"]
        assert document["servers"] == [{"url": "./"}]
        for _, path, operation in operations(document):
            named = [(parameter["in"], parameter["name"]) for parameter in operation["parameters"]]
            assert len(set(named)) == len(named)
            assert re.findall(r"\{(\w+)\}", path) == [parameter for where, parameter in named if where == "path"]
            assert all(parameter["required"] == (parameter["in"] == "path") for parameter in operation["parameters"])
            assert {"200", "404"} <= set(operation["responses"])
            assert all(response["description"] for response in operation["responses"].values())


def routes_of_the_source(service):
    """(method, path, query) of the tables of a service, and of those that all have."""
    if service == "subscriber":
        yield "GET", "/pubsub", None  # the broker's, for further subscribers
    for path in (ROOT / "src").rglob("*.c"):
        room = path.relative_to(ROOT / "src").parts[0]
        if room == "access":
            room = "subscriber"  # where people sign in
        if room in ("broker", "publisher", "subscriber") and room != service or re.search(r"_(test|fuzz|bench)\.c$", path.name):
            continue
        for method, pattern, query in ROW.findall(path.read_text()):
            yield method, pattern.replace("*}", "}"), None if query == "NULL" else "".join(re.findall(r'"([^"]*)"', query))


@pytest.mark.parametrize("service, least", [("broker", 9), ("publisher", 11), ("subscriber", 40)])
def test_every_route_of_the_source_is_there(documents, service, least):
    told = {(method, path) for method, path, _ in operations(documents[service])}
    rows = {(method, path) for method, path, _ in routes_of_the_source(service)}
    assert told == rows and len(rows) >= least


def words(query):
    """The names of a specification (src/net/server.h), as this test reads it."""
    section = ""
    for word in query.split():
        if word.startswith("@"):
            continue
        if word.endswith(":"):
            section = word[:-1]
            continue
        for name in word.rstrip("?*!").split("/"):
            yield name, section, "!" in word, "*" in word


@pytest.mark.parametrize("service", ["broker", "publisher", "subscriber"])
def test_parameters_are_those_that_the_routes_take(documents, service):
    told = {(method, path): operation for method, path, operation in operations(documents[service])}
    for method, path, query in routes_of_the_source(service):
        has = [(parameter["name"], parameter.get("description", "").removeprefix("with ").removesuffix(" only"),
                parameter["schema"]["type"] == "boolean", parameter["schema"]["type"] == "array")
               for parameter in told[method, path]["parameters"] if parameter["in"] == "query"]
        assert sorted(has) == sorted(words(query or "")), path


def test_a_documented_parameter_is_known_and_another_is_not(site, documents):
    for name, document in documents.items():
        for method, path, operation in operations(document):
            where = re.sub(r"\{\w+\}", "d", path)
            if method != "GET" or path == "/api/events":
                continue
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    continue
                query = {parameter["name"]: "1"}
                section = parameter.get("description", "").removeprefix("with ").removesuffix(" only")
                query |= dict([section.split("=")]) if section else {}
                answer = get(f"{site[name].url}{where}?{urllib.parse.urlencode(query)}")
                assert b"unknown parameter" not in answer[2] and answer[0] < 500, (where, query, answer[2][:200])


def test_the_page_lists_the_same_and_needs_nothing_else(site, documents):
    for name, program in site.items():
        status, headers, body = get(program.url + "/docs")
        page = body.decode()
        assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'") and "<script" not in page and "http" not in page.split("</style>")[1]
        rows = re.findall(r"<tr><td>(\w+)</td><td><code>([^<]+)</code></td><td>(.*)</td></tr>", page)
        assert {(method, path) for method, path, _ in rows} == {(method, path) for method, path, _ in operations(documents[name])}
        for method, path, parameters in rows:
            documented = {p["name"] for p in documents[name]["paths"][path][method.lower()]["parameters"] if p["in"] == "query"}
            assert documented <= set(re.findall(r"<code>([^<=]+)</code>", parameters)), path
