"""What reviewers decide about regions, and the labels that come of it, with NumPy and Pillow as judges."""

import concurrent.futures
import contextlib
import csv
import datetime
import gzip
import io
import json
import resource
import signal
import time
import zipfile

import numpy as np
import PIL.Image
import pytest

import reference
from access import key_fields, write_keys
from bodies import array_of, arrays_of, npz
from client import Client, assert_problem
from region_cases import JOINT, expected, job_of, regions, sample
from server import PATIENCE, Server, eventually
from state import NoGrowth, state_directory, wait_for_writes
from test_batches import add, finish, open_job
from test_memory import memory_in_use

NPY, NPZ, JSON, PNG = "application/x-npy", "application/x-npz", "application/json", "image/png"
CSV, LINES = "text/csv", "application/x-ndjson"
ASYNC = {"Prefer": "respond-async"}
ALL = {"of": "disagreements"}
ARRAYS = sample("noise", (40, 64), 5)
REGIONS = expected(ARRAYS)
IDS = [region["id"] for region in REGIONS]
NOTES = [
    "a, b",
    'the "van"',
    "two\nlines",
    "carriage\r\nreturn",
    "Straße, 車, 🚐",
    "tab\t and bell \a",
    "x" * 4096,
    "é" * 2048,
]


@pytest.fixture
def review(client):
    """The path of a job of its own."""
    return job_of(client, ARRAYS, 5, **JOINT)


def put(client, job, region, verdict, of=ALL, **members):
    answer = client.put(f"{job}/decisions/{region}", params=of, json={"verdict": verdict} | members)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client, job, decisions, of=ALL, **members):
    """Sends many, none with more than one request takes."""
    for start in range(0, len(decisions), 10_000):
        part = decisions[start : start + 10_000]
        answer = client.post(f"{job}/decisions", params=of, json={"decisions": part} | members)
        assert (answer.status_code, answer.json()) == (200, {"decided": len(part)}), answer.text


def withdraw(client, job, region, of=ALL, **parameters):
    answer = client.delete(f"{job}/decisions/{region}", params=of | parameters)
    assert (answer.status_code, answer.content) == (204, b""), answer.text


def decisions(client, job, limit=None):
    """All that hold, page by page."""
    found, parameters = [], {} if limit is None else {"limit": limit}
    while True:
        page = client.get(f"{job}/decisions", params=parameters).json()
        found += page["decisions"]
        if page["next"] is None:
            assert len(found) == page["total"]
            return found
        parameters["cursor"] = page["next"]


def table(client, job):
    text = client.get(f"{job}/decisions", headers={"Accept": CSV}).content.decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def log(client, job):
    answer = client.get(f"{job}/decisions", headers={"Accept": LINES})
    assert answer.headers["Content-Type"] == LINES
    # Not by splitlines(): other characters than the feed end a line to Python.
    lines = answer.content.decode().split("\n")
    assert lines.pop() == ""
    return [json.loads(line) for line in lines]


def summary(client, job, **parameters):
    return client.get(f"{job}/decisions/summary", params=ALL | parameters).json()


def untimed(documents):
    return [{name: value for name, value in each.items() if name != "decided_at"} for each in documents]


# Decisions


def test_what_is_decided_is_answered_and_listed(client, review):
    region = REGIONS[5]
    common = {"region": region["id"], "of": "disagreements", "threshold": None, "image": region["image"]}
    common |= {"given": region["given"], "suggested": region["suggested"]}
    other = next(k for k in range(5) if k not in (region["given"], region["suggested"]))
    for members, label in [
        ({"verdict": "wrong"}, region["suggested"]),
        ({"verdict": "wrong", "label": other}, other),
        ({"verdict": "wrong", "label": None}, region["suggested"]),
        ({"verdict": "fine"}, None),
        ({"verdict": "unsure", "note": "fog", "reviewer": None}, None),
    ]:
        before = datetime.datetime.now(datetime.UTC)
        found = put(client, review, region["id"], **members)
        decided_at = datetime.datetime.fromisoformat(found.pop("decided_at"))
        assert abs(decided_at - before) < datetime.timedelta(seconds=PATIENCE)
        wanted = {"verdict": members["verdict"], "label": label, "note": members.get("note"), "reviewer": None}
        assert found == common | wanted
        assert list(found) == [*common, *wanted]
        assert untimed(decisions(client, review)) == [found]
        listed = next(each for each in regions(client, review, **ALL) if each["id"] == region["id"])
        assert (listed["verdict"], listed["label"]) == (members["verdict"], label)
    assert [each["verdict"] for each in log(client, review)] == ["wrong", "wrong", "wrong", "fine", "unsure"]
    others = [each for each in regions(client, review, **ALL) if each["id"] != region["id"]]
    assert others and all(each["verdict"] is each["label"] is None for each in others)


@pytest.mark.parametrize("note", NOTES, ids=lambda note: ascii(note[:12]))
def test_notes_and_names_come_back_as_they_were(client, review, note):
    reviewer = note[:30].encode()[:120].decode()
    put(client, review, IDS[0], "fine", note=note, reviewer=reviewer)
    put(client, review, IDS[1], "unsure", note="", reviewer="")
    (found, empty), (row, blank) = decisions(client, review), table(client, review)
    assert (found["note"], found["reviewer"]) == (note, reviewer)
    assert (empty["note"], empty["reviewer"]) == (None, None)
    assert log(client, review) == [found, empty]
    assert (row["note"], row["reviewer"]) == (note, reviewer)
    assert (blank["note"], blank["reviewer"]) == ("", "")


def test_the_table_has_what_the_pages_have(client, review):
    issues = {"of": "issues", "threshold": 0.3}
    for region in regions(client, review, **issues)[:4]:
        put(client, review, region["id"], "wrong", issues, reviewer="Ann")
    for region in IDS[:4]:
        put(client, review, region, "fine")
    rows, documents = table(client, review), decisions(client, review)
    header = "region,of,threshold,image,name,given,suggested,verdict,label,note,reviewer,decided_at"
    assert list(rows[0]) == header.split(",")
    wanted = [{name: "" if value is None else str(value) for name, value in each.items()} for each in documents]
    assert [{name: value for name, value in row.items() if name != "name"} for row in rows] == wanted
    assert {row["name"] for row in rows} == {""} and len(rows) == 8


def test_reviewers_decide_side_by_side_and_the_last_has_the_last_word(client, review):
    region = REGIONS[5]
    path = region["id"]
    other = next(k for k in range(5) if k not in (region["given"], region["suggested"]))

    def last():
        listed = next(each for each in regions(client, review, **ALL) if each["id"] == path)
        y, x = (int(place) for place in path.split("-")[1:])
        mended = array_of(client.get(f"{review}/mended?image={region['image']}"))[y, x]
        assert mended == (region["given"] if listed["label"] is None else listed["label"])
        counts = summary(client, review)
        return listed["verdict"], listed["label"], counts["decided"], counts["disputed"]

    assert last() == (None, None, 0, 0)
    put(client, review, path, "wrong", reviewer="Ann")
    assert last() == ("wrong", region["suggested"], 1, 0)
    put(client, review, path, "unsure", reviewer="Bob")
    assert last() == ("unsure", None, 1, 0), "who is unsure disputes nothing"
    put(client, review, path, "fine", reviewer="Bob")
    assert last() == ("fine", None, 1, 1)
    put(client, review, path, "wrong", label=other, reviewer="Bob")
    assert last() == ("wrong", other, 1, 1), "of two classes one is wrong"
    put(client, review, path, "wrong", reviewer="Bob")
    assert last() == ("wrong", region["suggested"], 1, 0)
    put(client, review, path, "fine")
    assert last() == ("fine", None, 1, 1), "who has no name is a reviewer too"
    assert [each["reviewer"] for each in decisions(client, review)] == ["Ann", "Bob", None]
    put(client, review, path, "fine", reviewer="Ann")
    assert [each["reviewer"] for each in decisions(client, review)] == ["Bob", None, "Ann"]
    assert len(log(client, review)) == 7


def test_what_is_taken_back_holds_no_more(client, review):
    path = IDS[5]
    put(client, review, path, "wrong", reviewer="Ann", note="a van")
    put(client, review, path, "fine", reviewer="Bob & Söhne")
    missing = client.delete(f"{review}/decisions/{path}", params=ALL)
    assert_problem(missing, 404, "decision-not-found", "reviewer")
    withdraw(client, review, path, reviewer="Bob & Söhne")
    assert [each["reviewer"] for each in decisions(client, review)] == ["Ann"]
    assert summary(client, review)["disputed"] == 0
    withdraw(client, review, path, reviewer="Ann")
    assert decisions(client, review) == table(client, review) == []
    assert summary(client, review) == {"decided": 0, "disputed": 0, "cells": []}
    assert np.array_equal(array_of(client.get(f"{review}/mended")), ARRAYS["labels"])
    assert client.get(f"{review}/regions", params=ALL | {"decided": "true"}).json()["total"] == 0
    again = client.delete(f"{review}/decisions/{path}", params=ALL | {"reviewer": "Ann"})
    assert_problem(again, 404, "decision-not-found", "reviewer")
    assert [each["verdict"] for each in log(client, review)] == ["wrong", "fine", "withdrawn", "withdrawn"]
    put(client, review, path, "unsure", reviewer="Ann")
    assert [each["note"] for each in decisions(client, review)] == [None]


def test_regions_of_two_kinds_are_two(client, review):
    issues = {"of": "issues", "threshold": 0.3}
    path = next(each["id"] for each in regions(client, review, **issues) if each["id"] in IDS)
    put(client, review, path, "fine")
    put(client, review, path, "unsure", issues)
    put(client, review, path, "wrong", {"threshold": 0.4})
    assert [(each["of"], each["threshold"]) for each in decisions(client, review)] == [
        ("disagreements", None),
        ("issues", 0.3),
        ("issues", 0.4),
    ]
    for of, verdict in [(ALL, "fine"), (issues, "unsure"), ({"threshold": 0.4}, "wrong")]:
        found = regions(client, review, decided="true", **of)
        assert [(each["id"], each["verdict"]) for each in found] == [(path, verdict)]
        counts = client.get(f"{review}/decisions/summary", params=of).json()
        assert [cell[verdict] for cell in counts["cells"]] == [1] and counts["decided"] == 1
    # By default they are label issues.
    label_issue = regions(client, review)[0]
    assert put(client, review, label_issue["id"], "fine", {})["of"] == "label_issues"
    assert client.get(f"{review}/decisions/summary").json()["decided"] == 1


def test_many_are_taken_in_their_order(client, review):
    sent = [{"region": region, "verdict": ["wrong", "fine", "unsure"][i % 3]} for i, region in enumerate(IDS[:90])]
    sent += [
        {"region": IDS[0], "verdict": "fine"},
        {"region": IDS[1], "verdict": "wrong", "reviewer": "Bob", "note": "n"},
    ]
    post(client, review, sent, reviewer="Ann")
    found = log(client, review)
    assert [(each["region"], each["verdict"]) for each in found] == [(each["region"], each["verdict"]) for each in sent]
    assert [each["reviewer"] for each in found] == ["Ann"] * 91 + ["Bob"]
    assert len(decisions(client, review)) == 91
    post(client, review, [], reviewer="Ann")
    assert len(log(client, review)) == 92


@pytest.mark.parametrize(
    "bad, slug, parameter",
    [
        ({"region": "0-99-0", "verdict": "fine"}, "region-not-found", None),
        ({"region": "0-0-00", "verdict": "fine"}, "region-not-found", None),
        ({"region": "", "verdict": "fine"}, "region-not-found", None),
        ({"verdict": "fine"}, "malformed-body", None),
        ({"region": IDS[1]}, "malformed-body", None),
        ({"region": IDS[1], "verdict": "right"}, "invalid-parameter", "verdict"),
        ({"region": IDS[1], "verdict": "withdrawn"}, "invalid-parameter", "verdict"),
        ({"region": IDS[1], "verdict": None}, "malformed-body", None),
        ({"region": IDS[1], "verdict": "wrong", "label": REGIONS[1]["given"]}, "invalid-parameter", "label"),
        ({"region": IDS[1], "verdict": "wrong", "label": 5}, "invalid-parameter", "label"),
        ({"region": IDS[1], "verdict": "wrong", "label": -1}, "invalid-parameter", "label"),
        ({"region": IDS[1], "verdict": "wrong", "label": 1 << 70}, "malformed-body", None),
        ({"region": IDS[1], "verdict": "wrong", "label": 1.5}, "malformed-body", None),
        ({"region": IDS[1], "verdict": "wrong", "label": "road"}, "malformed-body", None),
        ({"region": IDS[1], "verdict": "fine", "label": REGIONS[1]["suggested"]}, "invalid-parameter", "label"),
        ({"region": IDS[1], "verdict": "unsure", "label": 0}, "invalid-parameter", "label"),
        ({"region": IDS[1], "verdict": "fine", "note": "é" * 2048 + "x"}, "invalid-parameter", "note"),
        ({"region": IDS[1], "verdict": "fine", "reviewer": "é" * 64 + "x"}, "invalid-parameter", "reviewer"),
        ({"region": IDS[1], "verdict": "fine", "notes": "x"}, "unknown-parameter", "notes"),
        ([IDS[1], "fine"], "malformed-body", None),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_one_bad_decision_has_all_refused(client, review, bad, slug, parameter):
    good = {"region": IDS[0], "verdict": "wrong", "note": "n"}
    status = 404 if slug == "region-not-found" else 400
    for several in ([bad], [good, bad], [bad, good]):
        answer = client.post(f"{review}/decisions", params=ALL, json={"decisions": several, "reviewer": "Ann"})
        assert_problem(answer, status, slug, parameter)
    if isinstance(bad, dict) and "region" in bad and bad["region"]:
        alone = {name: value for name, value in bad.items() if name != "region"}
        answer = client.put(f"{review}/decisions/{bad['region']}", params=ALL, json=alone)
        assert_problem(answer, status, slug, parameter)
    assert log(client, review) == [] and summary(client, review)["decided"] == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"fine"', b"{} x", b'{"verdict":"fine"} x', b"\xff\xfe{}"], ids=ascii
)
def test_what_is_no_object_is_malformed(client, review, body):
    assert_problem(client.put(f"{review}/decisions/{IDS[0]}", params=ALL, data=body), 400, "malformed-body")
    assert_problem(client.post(f"{review}/decisions", params=ALL, data=body), 400, "malformed-body")


def test_half_a_character_is_malformed(client, review):
    decision = json.dumps({"verdict": "fine", "region": IDS[0], "note": "\ud800"})
    assert_problem(client.put(f"{review}/decisions/{IDS[0]}", params=ALL, data=decision), 400, "malformed-body")
    several = f'{{"decisions":[{decision}]}}'
    assert_problem(client.post(f"{review}/decisions", params=ALL, data=several), 400, "malformed-body")


def test_unknown_members_and_parameters_are_told(client, review):
    path, body = f"{review}/decisions", {"decisions": []}
    assert_problem(client.post(path, json=body | {"of": "issues"}), 400, "unknown-parameter", "of")
    assert_problem(client.post(f"{path}?reviewer=Ann", json=body), 400, "unknown-parameter", "reviewer")
    one = f"{path}/{IDS[0]}"
    assert_problem(client.put(f"{one}?reviewer=Ann", json={"verdict": "fine"}), 400, "unknown-parameter", "reviewer")
    assert_problem(client.delete(f"{one}?note=x"), 400, "unknown-parameter", "note")
    assert_problem(client.delete(one, params=ALL | {"reviewer": "x" * 129}), 400, "invalid-parameter", "reviewer")
    for query, parameter in [
        ("of=pixels", "of"),
        ("threshold=2", "threshold"),
        ("of=disagreements&threshold=0.2", "threshold"),
    ]:
        for answer in (
            client.put(f"{one}?{query}", json={"verdict": "fine"}),
            client.delete(f"{one}?{query}"),
            client.post(f"{path}?{query}", json=body),
            client.get(f"{path}/summary?{query}"),
        ):
            assert_problem(answer, 400, "invalid-parameter", parameter)
    for query, parameter in [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("cursor=-1", "cursor"),
        ("cursor=x", "cursor"),
    ]:
        assert_problem(client.get(f"{path}?{query}"), 400, "invalid-parameter", parameter)
    for query in ("decided=yes", "decided="):
        for target in ("regions", "regions/matrix"):
            assert_problem(client.get(f"{review}/{target}?{query}"), 400, "invalid-parameter", "decided")
    for method, target in [
        ("POST", "keep"),
        ("DELETE", "keep"),
        ("GET", "labels"),
        ("GET", "predicted"),
        ("GET", "mended"),
    ]:
        assert_problem(client.request(method, f"{review}/{target}?of=issues"), 400, "unknown-parameter", "of")


@pytest.mark.parametrize(
    "several", [[], [{"region": IDS[0], "verdict": "fine", "reviewer": "Ann"}]], ids=["none", "one"]
)
def test_a_long_name_is_refused_though_no_decision_is_of_that_name(client, review, several):
    answer = client.post(f"{review}/decisions", params=ALL, json={"decisions": several, "reviewer": "x" * 129})
    assert_problem(answer, 400, "invalid-parameter", "reviewer")


@pytest.mark.parametrize("member", ["note", "reviewer"])
def test_a_text_with_a_nul_is_refused(client, review, member):
    body = {"verdict": "fine", member: "nul \0 and more"}
    assert_problem(client.put(f"{review}/decisions/{IDS[0]}", params=ALL, json=body), 400, "invalid-parameter", member)


def test_a_compressed_body_is_refused(client, review):
    for send, path in [(client.put, f"{review}/decisions/{IDS[0]}"), (client.post, f"{review}/decisions")]:
        answer = send(path, params=ALL, data=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
        assert_problem(answer, 415, "unsupported-media-type", "Content-Encoding")


def test_a_region_in_the_body_is_not_passed_over(client, review):
    answer = client.put(f"{review}/decisions/{IDS[0]}", params=ALL, json={"verdict": "fine", "region": IDS[1]})
    assert answer.status_code == 400, answer.text


def test_bodies_and_lists_have_limits(client, review):
    decision = {"region": IDS[0], "verdict": "fine"}
    answer = client.post(f"{review}/decisions", params=ALL, json={"decisions": [decision] * 10_001})
    assert_problem(answer, 400, "invalid-parameter", "decisions")
    for method, path, limit in [("PUT", f"/{IDS[0]}", 64 << 10), ("POST", "", 4 << 20)]:
        if method == "PUT":
            fitting = json.dumps({"verdict": "fine"}).encode()
        else:
            fitting = json.dumps({"decisions": [decision]}).encode()
        padded = fitting + b" " * (limit - len(fitting))
        assert client.request(method, f"{review}/decisions{path}", params=ALL, data=padded).status_code == 200
        for body in (padded + b" ", iter([padded, b" "])):
            answer = client.request(method, f"{review}/decisions{path}", params=ALL, data=body)
            assert assert_problem(answer, 413, "body-too-large")["limit"] == limit
    assert len(log(client, review)) == 2
    post(client, review, [decision] * 10_000)
    assert len(log(client, review)) == 10_002 and len(decisions(client, review)) == 1


def test_regions_are_chosen_by_whether_they_are_decided(client, review):
    chosen = [IDS[i] for i in np.random.default_rng(1).permutation(len(IDS))[: len(IDS) // 3]]
    post(client, review, [{"region": region, "verdict": "fine"} for region in chosen])
    for extra in ({}, {"image": 1}, {"min_area": 3, "given": 1}):
        every = regions(client, review, limit=10_000, **ALL, **extra)
        for decided in (True, False):
            parameters = ALL | extra | {"decided": str(decided).lower()}
            wanted = [region for region in every if (region["id"] in chosen) == decided]
            assert regions(client, review, limit=7, **parameters) == wanted
            cells = client.get(f"{review}/regions/matrix", params=parameters).json()["cells"]
            assert sum(cell["regions"] for cell in cells) == len(wanted)
            assert sum(cell["pixels"] for cell in cells) == sum(region["area"] for region in wanted)
            text = client.get(f"{review}/regions", params=parameters, headers={"Accept": CSV}).text
            assert [line.split(",")[0] for line in text.splitlines()[1:]] == [region["id"] for region in wanted]


def test_pages_of_decisions_are_all_of_them(client, review):
    post(client, review, [{"region": region, "verdict": "fine"} for region in IDS[:50]])
    post(client, review, [{"region": region, "verdict": "unsure"} for region in IDS[10:20]])
    whole = decisions(client, review, limit=10_000)
    assert [each["region"] for each in whole] == IDS[:10] + IDS[20:50] + IDS[10:20]
    for limit in (1, 7, 50, None):
        assert decisions(client, review, limit) == whole
    beyond = client.get(f"{review}/decisions?cursor=99999").json()
    assert (beyond["decisions"], beyond["next"], beyond["total"]) == ([], None, 50)
    # What comes meanwhile comes at the end.
    page = client.get(f"{review}/decisions?limit=20").json()
    put(client, review, IDS[0], "wrong")
    rest = client.get(f"{review}/decisions", params={"limit": 100, "cursor": page["next"]}).json()["decisions"]
    assert [each["region"] for each in rest] == IDS[30:50] + IDS[10:20] + IDS[:1]


def test_the_summary_counts_regions_by_their_last_word(client, review):
    random = np.random.default_rng(2)
    held, sent = {}, []
    for _ in range(400):
        region = REGIONS[random.integers(120)]
        verdict, reviewer = ["wrong", "fine", "unsure"][random.integers(3)], ["Ann", "Bob", "Eve"][random.integers(3)]
        decision = {"region": region["id"], "verdict": verdict, "reviewer": reviewer}
        label = region["suggested"]
        if verdict == "wrong" and random.random() < 0.3:
            label = decision["label"] = int(random.choice([k for k in range(5) if k != region["given"]]))
        of = held.setdefault(region["id"], {})
        of.pop(reviewer, None)
        of[reviewer] = (verdict, label if verdict == "wrong" else None)
        sent.append(decision)
    post(client, review, sent)
    cells = {}
    for region in REGIONS:
        if of := list(held.get(region["id"], {}).values()):
            cell = cells.setdefault(
                (region["given"], region["suggested"]), dict.fromkeys(["wrong", "fine", "unsure", "disputed"], 0)
            )
            cell[of[-1][0]] += 1
            cell["disputed"] += len({each for each in of if each[0] != "unsure"}) > 1
    found = summary(client, review)
    assert found["cells"] == [
        {"given": given, "suggested": suggested} | cells[given, suggested] for given, suggested in sorted(cells)
    ]
    assert found["decided"] == len(held) and found["disputed"] == sum(cell["disputed"] for cell in cells.values()) > 0


# Mended labels


def kinds_of(client, job, arrays, ignore_label=None):
    """Regions of several kinds as NumPy has them, each with its query."""
    found = []
    for of in ({"of": "label_issues"}, {"of": "issues", "threshold": 0.3}, {"threshold": 0.15}, ALL):
        if of.get("of") == "label_issues":
            wanted = array_of(client.get(f"{job}/label_issues"))
        elif "threshold" in of:
            wanted = array_of(client.get(f"{job}/issues", params={"threshold": of["threshold"]}))
        else:
            wanted = None
        found += [(of, region) for region in expected(arrays, wanted, ignore_label)]
    return found


def decide_at_random(client, job, found, classes, count=300, seed=0):
    """Decides about regions of any kind, and returns what was decided, in order: region, reviewer and class or None."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        # Some regions several times.
        of, region = found[random.integers(min(len(found), 200))] if number % 3 else found[random.integers(len(found))]
        reviewer = ["Ann", "Bob"][random.integers(2)]
        verdict = ["wrong", "wrong", "fine", "unsure", "withdrawn"][random.integers(5)]
        key = (tuple(of.items()), region["id"])
        if verdict == "withdrawn":
            answer = client.delete(f"{job}/decisions/{region['id']}", params=of | {"reviewer": reviewer})
            assert answer.status_code in (204, 404), answer.text
            made.append((key, region, reviewer, verdict, None))
            continue
        members, label = {}, None
        if verdict == "wrong":
            label = region["suggested"]
            if random.random() < 0.5:
                label = int(random.integers(classes - 1))
                label += label >= region["given"]
                members = {"label": label}
        put(client, job, region["id"], verdict, of, reviewer=reviewer, **members)
        made.append((key, region, reviewer, verdict, label))
    return made


def mended(labels, made, place=lambda region: region["image"]):
    """The labels with what holds of what was decided, one last word after the other."""
    held = {}
    for number, (key, region, reviewer, verdict, label) in enumerate(made):
        of = held.setdefault(key, {})
        of.pop(reviewer, None)
        if verdict != "withdrawn":
            of[reviewer] = (number, region, verdict, label)
    result = labels.copy()
    for _, region, verdict, label in sorted(
        (list(of.values())[-1] for of in held.values() if of), key=lambda each: each[0]
    ):
        if verdict == "wrong":
            left, top, width, height = region["bbox"]
            result[place(region)][top : top + height, left : left + width][region["mask"]] = label
    return result


@pytest.mark.parametrize("classes", [5, 255, 256, 300])
@pytest.mark.parametrize("ignored", [False, True], ids=["all", "ignored"])
def test_mended_labels_are_those_of_numpy(client, classes, ignored):
    arrays = sample("noise", (40, 64), classes, seed=4)
    ignore_label = 1 if ignored else None
    job = job_of(client, arrays, classes, **JOINT, **({"ignore_label": 1} if ignored else {}))
    found = kinds_of(client, job, arrays, ignore_label)
    made = decide_at_random(client, job, found, classes)
    wanted = mended(arrays["labels"], made)
    assert (wanted != arrays["labels"]).sum() > 50
    whole = array_of(client.get(f"{job}/mended"))
    assert whole.dtype == (np.uint16 if classes > 255 else np.uint8)
    assert np.array_equal(whole, wanted)
    assert client.get(f"{job}/mended", headers={"Accept": JSON}).json() == wanted.tolist()
    archive = arrays_of(client.get(f"{job}/mended", headers={"Accept": NPZ}))
    assert list(archive) == ["mended/000000", "mended/000001"]
    for image in range(2):
        assert np.array_equal(archive[f"mended/00000{image}"], wanted[image])
        one = f"{job}/mended?image={image}"
        assert np.array_equal(array_of(client.get(one)), wanted[image])
        assert np.array_equal(array_of(client.get(one, headers={"Accept": NPY})), wanted[image])
        assert client.get(one, headers={"Accept": JSON}).json() == wanted[image].tolist()
        assert list(arrays_of(client.get(one, headers={"Accept": NPZ}))) == [f"mended/00000{image}"]
        assert_picture(client.get(one, headers={"Accept": PNG}), wanted[image], classes)
    # What was given and what is predicted stay.
    assert np.array_equal(array_of(client.get(f"{job}/labels")), arrays["labels"])
    assert np.array_equal(array_of(client.get(f"{job}/predicted")), arrays["predicted"])


def test_mended_labels_of_volumes(client):
    flat = sample("blobs", (12, 20), 4, images=6)
    volume = {name: array.reshape(2, 3, 12, 20) for name, array in flat.items()}
    job = job_of(client, volume, 4, **JOINT)
    found = []
    for region in expected(flat):
        number, place = region["id"].split("-", 1)
        image, slice_ = divmod(int(number), 3)
        found.append((ALL, region | {"id": f"{image}-{slice_}-{place}", "flat": int(number)}))
    made = decide_at_random(client, job, found, 4)
    wanted = mended(flat["labels"], made, place=lambda region: region["flat"]).reshape(2, 3, 12, 20)
    assert not np.array_equal(wanted, volume["labels"])
    assert np.array_equal(array_of(client.get(f"{job}/mended")), wanted)
    assert np.array_equal(array_of(client.get(f"{job}/mended?image=1")), wanted[1])
    for name in ("labels", "predicted", "mended"):
        assert_problem(client.get(f"{job}/{name}?image=1", headers={"Accept": PNG}), 422, "not-drawable", "Accept")


def test_mended_labels_of_images_of_several_sizes(client):
    parts = [sample("noise", size, 5, seed) for seed, size in enumerate([(40, 64), (17, 23), (9, 70)])]
    job = open_job(client, **JOINT, classes=5)
    found = []
    for number, arrays in enumerate(parts):
        add(client, job, npz(**arrays))
        for region in expected(arrays):
            image, place = region["id"].split("-", 1)
            image = 2 * number + int(image)
            found.append((ALL, region | {"id": f"{image}-{place}", "image": image}))
    finish(client, job)
    made = decide_at_random(client, job, found, 5)
    for name, wanted in [
        ("labels", [image for arrays in parts for image in arrays["labels"]]),
        ("predicted", [image for arrays in parts for image in arrays["predicted"]]),
        ("mended", mended([image for arrays in parts for image in arrays["labels"].copy()], made)),
    ]:
        answer = client.get(f"{job}/{name}")
        assert answer.headers["Content-Type"] == NPZ and "ETag" not in answer.headers
        archive = arrays_of(answer)
        assert list(archive) == [f"{name}/00000{image}" for image in range(6)]
        assert all(np.array_equal(archive[f"{name}/00000{image}"], wanted[image]) for image in range(6))
        assert client.get(f"{job}/{name}", headers={"Accept": JSON}).json() == [image.tolist() for image in wanted]
        for image in range(6):
            one = client.get(f"{job}/{name}?image={image}")
            assert np.array_equal(array_of(one), wanted[image])
        assert_problem(client.get(f"{job}/{name}", headers={"Accept": NPY}), 406, "not-acceptable", "Accept")
        assert_problem(client.get(f"{job}/{name}?image=6"), 400, "invalid-parameter", "image")


def voc_palette():
    """PASCAL VOC's, as its development kit makes it."""
    palette = []
    for label in range(256):
        red = green = blue = 0
        rest = label
        for bit in range(8):
            red |= (rest & 1) << (7 - bit)
            green |= (rest >> 1 & 1) << (7 - bit)
            blue |= (rest >> 2 & 1) << (7 - bit)
            rest >>= 3
        palette += [red, green, blue]
    return palette


def assert_picture(answer, wanted, classes):
    assert answer.status_code == 200 and answer.headers["Content-Type"] == PNG
    picture = PIL.Image.open(io.BytesIO(answer.content))
    assert picture.mode == ("P" if classes <= 255 else "I;16")
    assert np.array_equal(np.asarray(picture), wanted)
    if picture.mode == "P":
        assert picture.getpalette()[: 3 * 256] == voc_palette()


@pytest.mark.parametrize("classes", [2, 5, 255, 256, 300])
@pytest.mark.parametrize("name", ["labels", "predicted", "mended"])
def test_pictures_have_classes_for_pixels(client, classes, name):
    arrays = sample("noise", (17, 23), classes, seed=1)
    job = job_of(client, arrays, classes)
    wanted = arrays["predicted" if name == "predicted" else "labels"]
    assert (wanted == classes - 1).any()
    for image in range(2):
        answer = client.get(f"{job}/{name}?image={image}", headers={"Accept": PNG})
        assert_picture(answer, wanted[image], classes)
    assert_problem(client.get(f"{job}/{name}", headers={"Accept": PNG}), 400, "invalid-parameter", "image")
    assert_problem(client.get(f"{job}/{name}", headers={"Accept": "text/html"}), 406, "not-acceptable", "Accept")


@pytest.mark.parametrize("name", ["labels", "predicted", "mended"])
def test_arrays_of_classes_have_ranges_and_tags(client, review, name):
    path = f"{review}/{name}"
    whole = client.get(path)
    tag = whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert client.head(path).headers["ETag"] == tag
    part = client.get(path, headers={"Range": "bytes=5-300", "If-Range": tag})
    assert (part.status_code, part.content, part.headers["ETag"]) == (206, whole.content[5:301], tag)
    assert client.get(path, headers={"Range": "bytes=5-300", "If-Range": '"other"'}).content == whole.content
    same = client.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    beyond = client.get(path, headers={"Range": f"bytes={len(whole.content)}-"})
    assert_problem(beyond, 416, "range-not-satisfiable")
    assert beyond.headers["Content-Range"] == f"bytes */{len(whole.content)}"
    one = client.get(f"{path}?image=1")
    assert one.headers["ETag"] not in (tag, client.get(f"{path}?image=0").headers["ETag"])


def test_the_tag_of_mended_labels_changes_with_decisions(client, review):
    tags = {}
    for step in (
        lambda: None,
        lambda: put(client, review, IDS[0], "wrong"),
        lambda: put(client, review, IDS[0], "fine", reviewer="Bob"),
        lambda: withdraw(client, review, IDS[0], reviewer="Bob"),
        lambda: post(client, review, [{"region": IDS[1], "verdict": "wrong"}, {"region": IDS[2], "verdict": "wrong"}]),
        lambda: withdraw(client, review, IDS[0]),
    ):
        step()
        for path in ("mended", "mended?image=0"):
            answer = client.get(f"{review}/{path}")
            assert tags.setdefault(answer.headers["ETag"], answer.content) == answer.content
            assert client.get(f"{review}/{path}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert len(tags) == 12
    tag = client.get(f"{review}/labels").headers["ETag"]
    assert client.get(f"{review}/labels").headers["ETag"] == tag


# What was given


@pytest.mark.parametrize("labels_first", [True, False], ids=["labels first", "labels last"])
@pytest.mark.parametrize("method", [{}, JOINT], ids=["softmin", "joint"])
def test_labels_are_what_was_sent(client, labels_first, method):
    labels, pred_probs = reference.sample(images=2, height=9, width=13, classes=4)

    def listed(sent, wanted, **parameters):
        arrays = {"labels": sent, "pred_probs": pred_probs}
        ordered = arrays if labels_first else dict(reversed(arrays.items()))
        job = client.scored(npz(**ordered), **method, **parameters)["links"]["self"]
        found = array_of(client.get(f"{job}/labels"))
        assert found.dtype == np.uint8 and np.array_equal(found, wanted)
        assert np.array_equal(array_of(client.get(f"{job}/labels?image=1")), wanted[1])
        assert np.array_equal(array_of(client.get(f"{job}/mended")), wanted)

    ignored = np.random.default_rng(0).random(labels.shape) < 0.2
    void = np.where(ignored, 255, labels).astype(np.uint8)
    for kind in (np.uint8, np.int64, np.float32):
        listed(labels.astype(kind), labels)
        listed(void.astype(kind), void, ignore_label=255)
    listed(np.where(ignored, -1, labels.astype(np.int16)), void, ignore_label=-1)
    listed(labels, labels, ignore_label=2)
    listed(np.where(ignored, 7, labels), void, ignore_label="7,9")
    mapped = np.where(ignored, 7, labels.astype(np.int32) * 1000)
    listed(mapped, void, label_map=json.dumps({str(1000 * k): k for k in range(4)} | {"7": None}))
    listed(np.where(ignored, 0, labels + 1).astype(np.uint8), void, reduce_zero_label="true")
    one_hot = np.moveaxis(np.eye(4, dtype=np.uint8)[labels], -1, 1)
    listed(one_hot, labels)


# Scored with labels of two types in one job: those of a part that has a label to ignore that no byte holds are uint16.
WIDE = {"ignore_label": 1000, "classes": 5}


def job_of_two_types(client):
    """The path of a job, and its labels and predicted classes."""
    arrays = sample("noise", (17, 23), 5)
    labels = arrays["labels"].astype(np.int32)
    labels[0, :5, :5] = 1000
    job = open_job(client, **JOINT, **WIDE)
    add(client, job, npz(**{name: array[:1] for name, array in (arrays | {"labels": labels}).items()}))
    add(client, job, npz(**{name: array[1:] for name, array in arrays.items()}))
    assert finish(client, job)["status"] == "succeeded"
    return job, labels, arrays["predicted"]


def test_labels_of_two_types_are_one_array_an_image(client):
    job, labels, predicted = job_of_two_types(client)
    region = next(each for each in regions(client, job, **ALL) if each["image"] == 1)
    put(client, job, region["id"], "wrong")
    for name, wanted in (("labels", labels), ("mended", labels)):
        answer = client.get(f"{job}/{name}")
        assert answer.headers["Content-Type"] == NPZ
        archive = arrays_of(answer)
        assert np.array_equal(archive[f"{name}/000000"], wanted[0])
        assert np.array_equal(archive[f"{name}/000001"], wanted[1]) == (name == "labels")
        assert_problem(client.get(f"{job}/{name}", headers={"Accept": NPY}), 406, "not-acceptable", "Accept")
    for image in range(2):
        assert np.array_equal(array_of(client.get(f"{job}/predicted?image={image}")), predicted[image])


@pytest.mark.parametrize("accept", [NPY, JSON, None])
def test_predicted_classes_of_two_types_are_answered(tmp_path, accept):
    server = Server(tmp_path, env={"SWIFT_BACKTRACE": "enable=no"})
    try:
        with Client(server) as client:
            job, _, _ = job_of_two_types(client)
            answer = client.get(f"{job}/predicted", headers={"Accept": accept} if accept else {})
            assert answer.status_code == (406 if accept == NPY else 200)
    finally:
        server.stop()


# Jobs without regions, without results, and of others


def operations(client, job, region=IDS[0]):
    """Each thing that is done with a review, by name."""
    one, body = f"{job}/decisions/{region}", {"verdict": "fine"}
    return {
        "labels": lambda: client.get(f"{job}/labels"),
        "predicted": lambda: client.get(f"{job}/predicted"),
        "mended": lambda: client.get(f"{job}/mended"),
        "put": lambda: client.put(one, params=ALL, json=body),
        "delete": lambda: client.delete(one, params=ALL),
        "post": lambda: client.post(f"{job}/decisions", params=ALL, json={"decisions": [body | {"region": region}]}),
        "list": lambda: client.get(f"{job}/decisions"),
        "summary": lambda: client.get(f"{job}/decisions/summary", params=ALL),
        "keep": lambda: client.post(f"{job}/keep"),
        "release": lambda: client.delete(f"{job}/keep"),
    }


def test_jobs_without_predicted_classes_say_what_to_ask_for(client):
    labels, pred_probs = reference.sample(images=2, height=9, width=13, classes=4)
    own = {"labels": labels, "own": reference.pixel_scores(labels, pred_probs)}
    for body, parameters in [
        (npz(**own), {"classes": 4}),
        (npz(pred_probs=pred_probs, labels=labels), {"read": "labelled"}),
    ]:
        answer = client.scored(body, **parameters)
        job, links = answer["links"]["self"], set(answer["links"])
        if not links.isdisjoint({"predicted"}):
            continue
        assert links >= {"labels", "keep"} and links.isdisjoint({"predicted", "regions", "decisions", "mended"})
        asked = operations(client, job)
        for name in ("predicted", "put", "delete", "post", "summary"):
            assert "read=all" in assert_problem(asked[name](), 404, "no-predicted-classes")["expected"]
        assert np.array_equal(array_of(asked["labels"]()), labels)
        assert np.array_equal(array_of(asked["mended"]()), labels)
        assert asked["list"]().json() == {"total": 0, "decisions": [], "next": None}
    own |= {"predicted": pred_probs.argmax(1).astype(np.uint8)}
    job = client.scored(npz(**own), classes=4)["links"]["self"]
    assert np.array_equal(array_of(client.get(f"{job}/predicted")), own["predicted"])
    assert_problem(operations(client, job)["put"](), 404, "no-largest-probabilities")
    job = client.scored(npz(labels=labels, pred_probs=pred_probs))["links"]["self"]
    answer = client.put(f"{job}/decisions/0-0-0?of=label_issues", json={"verdict": "fine"})
    assert_problem(answer, 404, "no-label-issues")


def test_unknown_jobs_and_regions_are_not_found(client, review):
    for ask in operations(client, "/jobs/" + "0" * 32).values():
        assert_problem(ask(), 404, "unknown-job")
    for region in ("0-99-0", "0-0", "x", "0-00-0", "7-0-0", "summary"):
        asked = operations(client, review, region)
        # There is no region of this name, but a resource, which is asked for alone.
        if region == "summary":
            assert_problem(asked["put"](), 405, "method-not-allowed")
        else:
            for name in ("put", "delete", "post"):
                assert_problem(asked[name](), 404, "region-not-found")


def test_other_methods_are_told_which_there_are(client, review):
    for method, path, allowed in [
        ("PUT", "decisions", {"GET", "HEAD", "POST"}),
        ("GET", f"decisions/{IDS[0]}", {"PUT", "DELETE"}),
        ("POST", "decisions/summary", {"GET", "HEAD"}),
        ("GET", "keep", {"POST", "DELETE"}),
        ("PUT", "mended", {"GET", "HEAD"}),
    ]:
        answer = client.request(method, f"{review}/{path}")
        assert_problem(answer, 405, "method-not-allowed")
        assert {name.strip() for name in answer.headers["Allow"].split(",")} - {"OPTIONS"} == allowed


def test_an_answer_in_another_form_is_refused(client, review):
    for accept in (PNG, "application/json;q=0"):
        fields = {"Accept": accept}
        for answer in (
            client.put(f"{review}/decisions/{IDS[0]}", params=ALL, json={"verdict": "fine"}, headers=fields),
            client.post(f"{review}/decisions", params=ALL, json={"decisions": []}, headers=fields),
            client.get(f"{review}/decisions/summary", headers=fields),
        ):
            assert_problem(answer, 406, "not-acceptable", "Accept")
    assert_problem(client.get(f"{review}/decisions", headers={"Accept": NPY}), 406, "not-acceptable", "Accept")
    assert decisions(client, review) == []


def test_a_job_that_has_not_ended_is_a_conflict(client, server):
    job = open_job(client)
    for ask in operations(client, job).values():
        assert_problem(ask(), 409, "job-not-finished")
    client.post(f"{job}/cancel")
    for ask in operations(client, job).values():
        assert_problem(ask(), 409, "job-canceled")
    client.delete(job)


def test_other_keys_know_nothing_of_a_review(start_server, tmp_path):
    keys = ("alices-key-0123456789", "bobs-key-0123456789")
    server = start_server("--api-key-file", write_keys(tmp_path / "keys", *keys))
    alice, bob = (Client(server) for _ in keys)
    for client, key in zip((alice, bob), keys):
        client.headers.update(key_fields(key))
    job = job_of(alice, ARRAYS, 5, **JOINT)
    put(alice, job, IDS[0], "wrong", reviewer="Alice")
    for name, ask in operations(bob, job).items():
        answer, unknown = ask(), operations(bob, "/jobs/" + "0" * 32)[name]()
        assert_problem(answer, 404, "unknown-job")
        assert answer.json() | {"detail": "", "actual": ""} == unknown.json() | {"detail": "", "actual": ""}
    assert [each["reviewer"] for each in log(alice, job)] == ["Alice"]
    assert alice.get(job).json()["expires_at"] is not None


def test_a_deleted_job_takes_its_decisions_along(client, review):
    put(client, review, IDS[0], "wrong")
    assert client.delete(review).status_code == 204
    for ask in operations(client, review).values():
        assert_problem(ask(), 404, "unknown-job")


# How long


def expires_in(document):
    return (
        datetime.datetime.fromisoformat(document["expires_at"]) - datetime.datetime.now(datetime.UTC)
    ).total_seconds()


def test_a_kept_job_outlives_others_until_it_is_released(start_server):
    with Client(start_server("--result-ttl", "1")) as client:
        kept, other = (job_of(client, ARRAYS, 5, **JOINT) for _ in range(2))
        for _ in range(2):
            document = client.post(f"{kept}/keep").json()
            assert document["expires_at"] is None and document["id"] == kept.removeprefix("/jobs/")
        put(client, kept, IDS[0], "wrong")
        put(client, other, IDS[0], "wrong")
        eventually(lambda: client.get(f"{other}/labels").status_code == 410, "the other expires")
        for ask in operations(client, other).values():
            assert_problem(ask(), 410, "result-expired")
        time.sleep(0.5)
        assert client.get(kept).json()["expires_at"] is None and len(decisions(client, kept)) == 1
        document = client.delete(f"{kept}/keep").json()
        assert 0 < expires_in(document) <= 1
        eventually(lambda: client.get(f"{kept}/labels").status_code == 410, "it expires like others")
        assert client.get(kept).json()["expires_at"] == document["expires_at"]
        assert_problem(client.post(f"{kept}/keep"), 410, "result-expired")


def test_to_release_a_job_that_is_not_kept_gives_it_its_time_anew(client, review):
    before = client.get(review).json()["expires_at"]
    time.sleep(0.05)
    assert client.delete(f"{review}/keep").json()["expires_at"] > before


def test_kept_results_make_room_last(start_server):
    labels, pred_probs = reference.sample(1, 2, 128, 128)
    body = npz(labels=labels, pred_probs=pred_probs)
    with Client(start_server("--result-memory", "500000")) as client:
        jobs = [client.scored(body)["links"]["self"] for _ in range(2)]
        assert client.post(f"{jobs[0]}/keep").status_code == 200
        for _ in range(6):
            jobs.append(client.scored(body)["links"]["self"])
        statuses = [client.head(f"{job}/labels").status_code for job in jobs]
        assert statuses[0] == statuses[-1] == 200 and statuses[1] == 410
        for job in jobs[1:]:
            if client.head(f"{job}/labels").status_code == 200:
                client.post(f"{job}/keep")
        for _ in range(4):
            assert client.scored(body), "those that are kept go too where there are no others"
        assert client.head(f"{jobs[0]}/labels").status_code == 410


# On disk


@pytest.fixture
def state():
    with state_directory() as state:
        yield state


def made(client, how):
    """The path of a finished job."""
    if how == "sync":
        return job_of(client, ARRAYS, 5, **JOINT)
    if how == "async":
        answer = client.score(npz(**ARRAYS), headers=ASYNC, classes=5, **JOINT)
        job = answer.headers["Location"]
    else:
        job = open_job(client, **JOINT, classes=5)
        for image in range(2):
            add(client, job, npz(**{name: array[image : image + 1] for name, array in ARRAYS.items()}))
        client.post(f"{job}/finish")
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    return job


@pytest.mark.parametrize("how", ["async", "batches", "sync"])
def test_what_was_answered_survives_a_kill(state, how):
    client = state.start()
    job = made(client, how)
    for number, note in enumerate(note for note in NOTES if "\0" not in note):
        put(client, job, IDS[number], "wrong", note=note, reviewer=note[:30])
    issues = {"of": "issues", "threshold": 0.3}
    post(
        client,
        job,
        [{"region": each["id"], "verdict": "unsure"} for each in regions(client, job, **issues)[:50]],
        issues,
    )
    put(client, job, regions(client, job)[0]["id"], "fine", {"of": "label_issues"})
    withdraw(client, job, IDS[0], reviewer=NOTES[0][:30])
    assert client.post(f"{job}/keep").status_code == 200
    before = log(client, job), decisions(client, job), table(client, job), summary(client, job)
    whole = client.get(f"{job}/mended")
    for end in (signal.SIGKILL, signal.SIGTERM):
        client = state.restart(end)
        assert client.get(job).json()["expires_at"] is None
        assert (log(client, job), decisions(client, job), table(client, job), summary(client, job)) == before
        again = client.get(f"{job}/mended")
        assert (again.content, again.headers["ETag"]) == (whole.content, whole.headers["ETag"])
    # The very last one.
    put(client, job, IDS[20], "unsure", note="the last", reviewer="Zoë")
    client = state.restart(signal.SIGKILL)
    assert [(each["note"], each["reviewer"]) for each in log(client, job)[len(before[0]) :]] == [("the last", "Zoë")]
    assert client.delete(f"{job}/keep").json()["expires_at"] is not None
    client = state.restart(signal.SIGKILL)
    assert client.get(job).json()["expires_at"] is not None
    assert client.delete(job).status_code == 204
    other = made(client, how)
    assert log(client, other) == []


def test_a_kept_job_is_kept_over_a_restart_after_its_time(state):
    flags = ("--result-ttl", "0.8")
    client = state.start(*flags)
    job = client.score(npz(**ARRAYS), headers=ASYNC, classes=5, **JOINT).headers["Location"]
    client.get(f"{job}?wait=30")
    assert client.post(f"{job}/keep").status_code == 200
    state.end(signal.SIGKILL)
    time.sleep(1)
    client = state.start(*flags)
    assert client.get(f"{job}/mended").status_code == 200
    assert client.delete(f"{job}/keep").status_code == 200
    eventually(lambda: client.get(f"{job}/mended").status_code == 410, "it expires")


def test_a_full_disk_stores_none(full):
    disk, state = full
    client = state.start("--result-disk", "1GiB", file_size_limit=resource.RLIM_INFINITY)
    job = made(client, "async")
    post(client, job, [{"region": region, "verdict": "wrong"} for region in IDS[:20]], reviewer="Ann")
    before, whole = log(client, job), client.get(f"{job}/mended").content
    wait_for_writes(client)
    disk.fill(client.server)
    many = [{"region": IDS[i % len(IDS)], "verdict": "fine", "note": "x" * 300} for i in range(9000)]
    path = f"{job}/decisions"
    refused = [
        lambda: client.post(path, params=ALL, json={"decisions": many}),
        lambda: client.put(f"{path}/{IDS[0]}", params=ALL, json={"verdict": "fine"}),
        lambda: client.delete(f"{path}/{IDS[0]}", params=ALL | {"reviewer": "Ann"}),
    ]
    # On a disk a little room may be left in the log of the database.
    for ask in refused if disk.path is None else refused[:1]:
        assert_problem(ask(), 507, "state-full")
        assert log(client, job) == before and client.get(f"{job}/mended").content == whole
    if disk.path is None:
        for answer in (client.post(f"{job}/keep"), client.delete(f"{job}/keep")):
            assert_problem(answer, 507, "state-full")
    disk.make_room(client.server)
    put(client, job, IDS[0], "unsure", reviewer="Bob")
    after = log(client, job)
    assert after[:-1] == before and after[-1]["reviewer"] == "Bob"
    client = state.restart(signal.SIGKILL)
    assert log(client, job) == after


def test_what_a_full_disk_refused_takes_no_memory(state):
    client = state.start(file_size_limit=resource.RLIM_INFINITY)
    job = made(client, "async")
    put(client, job, IDS[0], "fine")
    disk = NoGrowth()
    disk.fill(client.server)
    many = [{"region": IDS[i % len(IDS)], "verdict": "fine", "note": "x" * 4000} for i in range(1000)]
    sizes = []
    for _ in range(3):
        assert_problem(client.post(f"{job}/decisions", params=ALL, json={"decisions": many}), 507, "state-full")
        sizes.append(settled_memory(client))
    disk.make_room(client.server)
    assert sizes[-1] - sizes[0] < 1 << 20, sizes


# Many at a time, and many in all


def settled_memory(client):
    """The memory that is counted, once answers have given back theirs."""
    last = [None]

    def same():
        before, last[0] = last[0], memory_in_use(client)
        return before == last[0]

    eventually(same, "nothing else goes on")
    return last[0]


@pytest.mark.parametrize("durable", [False, True], ids=["in memory", "on disk"])
def test_reviewers_at_a_time_lose_nothing(start_server, state, durable):
    with contextlib.nullcontext(state.start()) if durable else Client(start_server()) as client:
        job = made(client, "async")
        server, count = client.server, 40

        def work(number):
            with Client(server) as own:
                for turn in range(count):
                    region = IDS[(7 * turn + number) % 60]
                    if turn % 4:
                        put(own, job, region, "fine", reviewer=f"r{number}", note=f"{turn}")
                    else:
                        several = [{"region": region, "verdict": "wrong", "note": f"{turn}"}] * 5
                        post(own, job, several, reviewer=f"r{number}")
                    if turn % 10 == 0:
                        assert own.get(f"{job}/mended").status_code == 200
                        assert own.get(f"{job}/decisions").status_code == 200

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        found = log(client, job)
        assert len(found) == 8 * (count // 4 * 8)
        for number in range(8):
            own = [int(each["note"]) for each in found if each["reviewer"] == f"r{number}"]
            assert own == sorted(own)
        held = {(each["region"], each["reviewer"]) for each in found}
        assert len(decisions(client, job, 1000)) == len(held)
        if durable:
            client = state.restart(signal.SIGKILL)
            assert log(client, job) == found


COUNT = 50_000


@pytest.fixture(scope="module")
def large_review():
    """What a review of very many regions takes: bytes a decision in memory, on disk, and in memory when it is read."""
    # Each pixel is a region, since none of its neighbours has its pair of classes.
    y, x = np.indices((225, 225))
    labels = (x % 3 + 3 * (y % 3)).astype(np.uint8)[np.newaxis]
    own, largest = (np.full(labels.shape, value, np.float32) for value in (0.1, 0.5))
    found = [f"0-{row}-{column}" for row, column in zip(y.flat, x.flat)]
    with state_directory() as state:
        client = state.start()
        body = npz(labels=labels, own=own, largest=largest, predicted=(labels + 1) % 9)
        job = client.score(body, headers=ASYNC, classes=9).headers["Location"]
        client.get(f"{job}?wait=30")

        def size_on_disk():
            # A server that stops leaves nothing in the log of writes.
            state.end()
            return (state.path / "jobs.sqlite").stat().st_size

        empty = size_on_disk()
        client = state.start()
        put(client, job, found[-1], "fine", reviewer="a reviewer of a longer name")
        before = settled_memory(client)
        several = [{"region": region, "verdict": "wrong"} for region in found[:COUNT]]
        post(client, job, several, reviewer="a reviewer of a longer name")
        in_memory = (settled_memory(client) - before) / COUNT
        on_disk = (size_on_disk() - empty) / COUNT
        client = state.start()
        before = settled_memory(client)
        assert client.get(f"{job}/decisions?limit=1").json()["total"] == COUNT + 1
        when_read = (settled_memory(client) - before) / COUNT
        changed = array_of(client.get(f"{job}/mended"))[0] != labels[0]
        assert np.count_nonzero(changed) >= COUNT
    print(f"\n{in_memory:.1f} bytes a decision in memory, {on_disk:.1f} on disk, {when_read:.1f} when read")
    return in_memory, on_disk, when_read


def test_a_decision_takes_less_than_a_hundred_bytes(large_review):
    assert large_review[0] < 100


def test_a_decision_takes_less_than_a_hundred_bytes_on_disk_and_when_it_is_read(large_review):
    assert large_review[1] < 100 and large_review[2] < 100


@pytest.mark.parametrize("name", ["labels", "predicted", "mended"])
def test_classes_come_as_an_archive_of_pictures(client, review, name):
    put(client, review, IDS[0], "wrong")
    mended = array_of(client.get(f"{review}/{name}"))
    answer = client.get(f"{review}/{name}", headers={"Accept": "application/zip"})
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{index:06}.png" for index in range(len(mended))]
        for file, mask in zip(archive.namelist(), mended):
            assert np.array_equal(np.array(PIL.Image.open(archive.open(file))), mask)
