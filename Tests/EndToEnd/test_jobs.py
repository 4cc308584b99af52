"""Jobs: their life, their documents, and the arrays that they leave."""

import datetime
import io
import json
import re

import numpy as np
import PIL.Image
import pytest
import requests

import reference
from bodies import array_of, npz
from client import BareConnection, Client, assert_problem
from server import eventually

NPY, NPZ, JSON, PNG = "application/x-npy", "application/x-npz", "application/json", "image/png"
LABELS, PRED_PROBS = reference.sample(images=4, height=9, width=6)
PIXEL_SCORES = reference.pixel_scores(LABELS, PRED_PROBS)
BODY = npz(labels=LABELS, pred_probs=PRED_PROBS)
ASYNC = {"Prefer": "respond-async"}
RESULTS = [
    *("image_scores", "pixel_scores", "issues", "label_issues", "statistics", "names", "ranking", "summary"),
    *("regions", "regions/matrix", "regions/0-0-0"),
    *("labels", "predicted", "mended", "decisions", "decisions/summary", "images/0"),
    "export?format=coco",
]


@pytest.fixture(scope="module")
def job(client):
    """The path of a finished job without a threshold."""
    return client.scored(BODY)["links"]["self"]


@pytest.fixture(scope="module")
def image_scores(client, job):
    return array_of(client.get(f"{job}/image_scores"))


@pytest.fixture
def upload(server, client):
    """A connection that has sent half of a body, and the path of its job."""
    before = set(client.job_ids())
    with BareConnection(server.address) as connection:
        connection.send_body_head(BODY)
        connection.send(BODY.data[: len(BODY.data) // 2])
        made = eventually(lambda: set(client.job_ids()) - before, "the upload's job is listed")
        yield connection, f"/jobs/{made.pop()}"


def finish(connection):
    connection.send(BODY.data[len(BODY.data) // 2 :])
    return connection.read()


# Progress


def test_images_are_counted_while_the_body_arrives(client, server):
    labels, pred_probs = reference.sample(images=8, height=128, width=256)
    body = npz(labels=labels, pred_probs=pred_probs)  # 512 KiB an image
    before = set(client.job_ids())
    with BareConnection(server.address) as connection:
        connection.send_body_head(body)
        connection.send(body.data[: len(body.data) * 6 // 10])
        made = eventually(lambda: set(client.job_ids()) - before, "the upload's job is listed")
        path = f"/jobs/{made.pop()}"
        eventually(lambda: client.get(path).json()["progress"]["images_done"] >= 2, "some images are in")
        document = client.get(path).json()
        assert document["status"] == "receiving" and document["progress"]["images_total"] == 8
        assert document["progress"]["images_done"] <= 4
        assert document["progress"]["fraction"] == document["progress"]["images_done"] / 8
        connection.send(body.data[len(body.data) * 6 // 10 :])
        assert connection.read().status_code == 200
    assert client.get(path).json()["progress"]["fraction"] == 1


# Asynchronous answers


def test_respond_async_answers_202_and_the_result_waits_at_the_location(client):
    accepted = client.score(BODY, headers=ASYNC)
    assert accepted.status_code == 202
    assert int(accepted.headers["Retry-After"]) >= 1
    assert accepted.headers["Preference-Applied"] == "respond-async"
    location = accepted.headers["Location"]
    assert accepted.json()["links"]["self"] == location == f"/jobs/{accepted.json()['id']}"
    finished = client.get(location, params={"wait": 30}).json()
    assert finished["status"] == "succeeded"
    np.testing.assert_array_equal(array_of(client.get(finished["links"]["pixel_scores"])), PIXEL_SCORES)


def test_respond_async_with_wait_gives_the_result_if_it_comes_in_time(client):
    answer = client.score(BODY, headers={"Prefer": "respond-async, wait=30"})
    assert answer.status_code == 200
    assert "wait=30" in answer.headers["Preference-Applied"]
    assert len(answer.json()["image_scores"]) == 4


def test_respond_async_refuses_a_bad_body_at_once(client):
    before = client.job_ids()
    bad = npz(labels=LABELS, pred_probs=PRED_PROBS + 1)
    assert_problem(client.score(bad, headers=ASYNC), 422, "probability-out-of-range", "pred_probs")
    assert client.job_ids() == before


def test_what_only_the_job_can_see_fails_the_job(client):
    bad = npz(labels=LABELS + np.uint8(10), pred_probs=PRED_PROBS)
    accepted = client.score(bad, headers=ASYNC)
    assert accepted.status_code == 202
    job = client.get(accepted.headers["Location"], params={"wait": 30}).json()
    assert job["status"] == "failed"
    assert job["error"]["type"] == "urn:segscore:label-out-of-range"
    assert job["error"]["parameter"] == "labels"
    assert_problem(client.get(f"/jobs/{job['id']}/pixel_scores"), 409, "job-failed")
    assert client.delete(f"/jobs/{job['id']}").status_code == 204


def events_in(text):
    """The names and documents of events."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def events_of(client, job):
    answer = client.get(f"{job}/events")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    return events_in(answer.text)


def test_events_of_a_finished_job_are_its_last(client, job):
    assert events_of(client, job) == [("succeeded", client.get(job).json())]


def test_events_tell_how_a_job_goes_on(client, upload):
    connection, path = upload
    with requests.get(f"http://127.0.0.1:{client.server.port}{path}/events", stream=True, timeout=20) as answer:
        pieces = answer.iter_content(chunk_size=None, decode_unicode=False)
        first = next(pieces)
        assert [(name, job["status"]) for name, job in events_in(first.decode())] == [("progress", "receiving")]
        assert finish(connection).status_code == 200
        events = events_in(b"".join([first, *pieces]).decode())
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    assert (events[-1][0], events[-1][1]["status"]) == ("succeeded", "succeeded")
    assert events[-1][1] == client.get(path).json()


def test_events_of_a_deleted_job_end(client, upload):
    connection, path = upload
    with requests.get(f"http://127.0.0.1:{client.server.port}{path}/events", stream=True, timeout=20) as answer:
        pieces = answer.iter_content(chunk_size=None)
        next(pieces)
        assert client.delete(path).status_code == 204
        assert b"".join(pieces) == b""
    finish(connection)


def test_events_of_a_canceled_job_end(client, upload):
    connection, path = upload
    client.post(f"{path}/cancel")
    assert [name for name, _ in events_of(client, path)] == ["canceled"]
    finish(connection)


def test_events_of_no_job_are_not_found(client):
    assert_problem(client.get(f"/jobs/{'0' * 32}/events"), 404, "unknown-job")


def test_events_take_no_parameter(client, job):
    assert_problem(client.get(f"{job}/events", params={"wait": 1}), 400, "unknown-parameter", "wait")


def test_events_come_as_events_only(client, job):
    assert_problem(client.get(f"{job}/events", headers={"Accept": "application/json"}), 406, "not-acceptable")


def test_an_unknown_preference_is_ignored(client):
    answer = client.score(BODY, headers={"Prefer": "return=minimal"})
    assert answer.status_code == 200
    assert "Preference-Applied" not in answer.headers


# The document


def test_the_document_tells_all_of_a_finished_job(client):
    answer = client.scored(BODY, temperature=0.5, threshold=0.2, ignore_label=3)
    document = client.get(answer["links"]["self"]).json()
    assert document["id"] == answer["job"]
    assert document["status"] == "succeeded"
    assert document["method"] == "softmin"
    assert document["parameters"] == {
        "method": "softmin",
        "temperature": 0.5,
        "downsample": 1,
        "threshold": 0.2,
        "ignore_label": 3,
    }
    assert (document["clamped"], document["ignored"]) == (0, [])
    assert document["shape"] == {"images": 4, "classes": 4, "height": 9, "width": 6}
    assert document["progress"] == {"images_done": 4, "images_total": 4, "fraction": 1}
    assert document["error"] is None
    for name, link in answer["links"].items():
        assert document["links"][name] == link


def test_times_are_rfc_3339_in_utc_and_in_order(client, job):
    document = client.get(job).json()
    times = [document[name] for name in ("created_at", "started_at", "finished_at", "expires_at")]
    parsed = [datetime.datetime.fromisoformat(time) for time in times]
    assert parsed == sorted(parsed)
    assert all(time.endswith("Z") for time in times)
    assert abs(parsed[0] - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=10)


def test_every_link_leads_somewhere(client, job):
    for name, link in client.get(job).json()["links"].items():
        assert client.head(link).status_code in ((200, 405) if name in ("cancel", "keep") else (200,)), name


def test_waiting_for_a_finished_job_answers_at_once(client, job):
    assert client.get(job, params={"wait": 60}, timeout=10).json()["status"] == "succeeded"


def test_a_long_poll_ends_with_the_job(client, server, upload):
    connection, path = upload
    with BareConnection(server.address) as poll:
        poll.send_head("GET", f"{path}?wait=60")
        finish(connection)
        assert b'"succeeded"' in poll.read().content


def test_a_long_poll_gives_up_in_time(client, upload):
    assert client.get(upload[1], params={"wait": 1}).json()["status"] == "receiving"


# The list


def test_jobs_are_listed_newest_first_in_pages(start_server):
    client = Client(start_server())
    assert client.get("/jobs").json() == {"jobs": [], "next": None}
    made = [client.scored(BODY)["job"] for _ in range(5)]
    pages, cursor = [], None
    while True:
        parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/jobs", params=parameters).json()
        pages.append([job["id"] for job in page["jobs"]])
        if (cursor := page["next"]) is None:
            break
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert client.get("/jobs").json()["jobs"][0] == client.get(f"/jobs/{made[4]}").json()


def test_a_cursor_is_not_led_astray_by_newer_jobs(start_server):
    client = Client(start_server())
    made = [client.scored(BODY)["job"] for _ in range(3)]
    first = client.get("/jobs?limit=2").json()
    client.scored(BODY)
    second = client.get("/jobs", params={"limit": 2, "cursor": first["next"]}).json()
    assert [job["id"] for job in second["jobs"]] == [made[0]]


def test_the_list_can_be_kept_to_one_status(client, job, upload):
    ids = {
        status: [entry["id"] for entry in client.get("/jobs", params={"status": status}).json()["jobs"]]
        for status in ("receiving", "succeeded", "failed")
    }
    assert ids["receiving"] == [upload[1].removeprefix("/jobs/")]
    assert job.removeprefix("/jobs/") in ids["succeeded"]
    assert ids["failed"] == []


# Ends before the end


def test_an_upload_is_a_job_that_receives(client, upload):
    document = client.get(upload[1]).json()
    assert document["status"] == "receiving"
    assert document["started_at"] is document["finished_at"] is document["expires_at"] is None
    assert "pixel_scores" not in document["links"]


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_asked_for_too_early_is_a_conflict(client, upload, result):
    assert_problem(client.get(f"{upload[1]}/{result}"), 409, "job-not-finished")


def test_a_canceled_job_stays_canceled_and_its_client_is_told(client, upload):
    connection, path = upload
    canceled = client.post(f"{path}/cancel")
    assert canceled.status_code == 200
    assert canceled.json()["status"] == "canceled"
    assert_problem(finish(connection), 409, "job-canceled")
    assert client.get(path).json()["status"] == "canceled"
    assert_problem(client.get(f"{path}/pixel_scores"), 409, "job-canceled")
    assert client.post(f"{path}/cancel").json()["status"] == "canceled"


def test_canceling_a_finished_job_changes_nothing(client, job):
    before = client.get(job).json()
    answer = client.post(f"{job}/cancel")
    assert answer.status_code == 200
    assert answer.json() == before


def test_a_deleted_job_is_forgotten(client):
    path = client.scored(BODY)["links"]["self"]
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_problem(client.get(path), 404, "unknown-job")
    assert_problem(client.get(f"{path}/pixel_scores"), 404, "unknown-job")
    assert_problem(client.delete(path), 404, "unknown-job")
    assert path.removeprefix("/jobs/") not in client.job_ids()


def test_deleting_a_live_job_stops_it(client, upload):
    connection, path = upload
    assert client.delete(path).status_code == 204
    assert_problem(finish(connection), 409, "job-canceled")
    assert_problem(client.get(path), 404, "unknown-job")


@pytest.mark.parametrize(
    "method, suffix", [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), *(("GET", f"/{result}") for result in RESULTS)]
)
def test_an_unknown_job_is_not_found(client, method, suffix):
    assert_problem(client.request(method, f"/jobs/nonesuch{suffix}"), 404, "unknown-job")


# Results


def test_arrays_are_npy_by_default(client, job):
    for name, expected in (("pixel_scores", PIXEL_SCORES), ("issues", PIXEL_SCORES < 0.1)):
        answer = client.get(f"{job}/{name}")
        assert answer.headers["Content-Type"] == NPY
        assert array_of(answer).dtype == expected.dtype
        np.testing.assert_array_equal(array_of(answer), expected)
    np.testing.assert_allclose(
        array_of(client.get(f"{job}/image_scores")), reference.image_scores(LABELS, PRED_PROBS), atol=2e-6
    )


def test_arrays_are_bare_lists_as_json(client, job, image_scores):
    def fetch(name, **parameters):
        return client.get(f"{job}/{name}", params=parameters, headers={"Accept": JSON}).json()

    assert fetch("image_scores") == image_scores.tolist()
    np.testing.assert_array_equal(np.array(fetch("pixel_scores"), np.float32), PIXEL_SCORES)
    np.testing.assert_array_equal(np.array(fetch("pixel_scores", image=2), np.float32), PIXEL_SCORES[2])
    assert fetch("issues", threshold=0.3) == (PIXEL_SCORES < 0.3).tolist()
    assert fetch("issues", image=1, threshold=0.3) == (PIXEL_SCORES[1] < 0.3).tolist()


@pytest.mark.parametrize("image", range(4))
def test_one_image_can_be_asked_for(client, job, image):
    np.testing.assert_array_equal(array_of(client.get(f"{job}/pixel_scores?image={image}")), PIXEL_SCORES[image])
    mask = array_of(client.get(f"{job}/issues?threshold=0.5&image={image}"))
    np.testing.assert_array_equal(mask, PIXEL_SCORES[image] < 0.5)


def test_the_threshold_of_the_issues_is_the_one_asked_for_else_the_jobs_else_a_tenth(client, job):
    with_threshold = client.scored(BODY, threshold=0.4)["links"]["issues"]
    for path, threshold in [(f"{job}/issues", 0.1), (with_threshold, 0.4), (f"{with_threshold}?threshold=0.7", 0.7)]:
        np.testing.assert_array_equal(array_of(client.get(path)), PIXEL_SCORES < threshold)


def picture(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == PNG
    with PIL.Image.open(io.BytesIO(answer.content)) as image:
        image.load()
        return image


def test_issues_are_a_grey_mask_as_png(client, job):
    image = picture(client.get(f"{job}/issues?image=2&threshold=0.4", headers={"Accept": PNG}))
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), np.where(PIXEL_SCORES[2] < 0.4, 255, 0))


def test_pixel_scores_are_a_heat_map_as_png(client, job):
    image = picture(client.get(f"{job}/pixel_scores?image=1", headers={"Accept": PNG}))
    assert image.size == (6, 9)
    colours = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    scores = PIXEL_SCORES[1].reshape(-1)
    assert (colours[scores.argmin()] != colours[scores.argmax()]).any()


@pytest.mark.parametrize("name", ["issues", "pixel_scores"])
def test_a_png_wants_an_image(client, job, name):
    answer = client.get(f"{job}/{name}", headers={"Accept": PNG})
    assert_problem(answer, 400, "invalid-parameter", "image")


def test_the_ranking_lists_the_worst_first(client, job, image_scores):
    for parameters, limit, threshold in [({}, 20, 0.1), ({"limit": 2, "threshold": 0.5}, 2, 0.5)]:
        rows = client.get(f"{job}/ranking", params=parameters).json()["ranking"]
        found = [(row["image"], row["score"], row["num_pixel_issues"]) for row in rows]
        assert found == reference.ranking(image_scores, PIXEL_SCORES, limit, threshold)


def test_the_ranking_counts_by_the_jobs_threshold_and_puts_equal_scores_by_index(client):
    labels = np.zeros((3, 1, 2), np.uint8)
    pred_probs = np.array([[[[0.5, 0.5]]], [[[0.25, 0.25]]], [[[0.5, 0.5]]]])
    path = client.scored(npz(labels=labels, pred_probs=pred_probs), threshold=0.4)["links"]["self"]
    rows = client.get(f"{path}/ranking").json()["ranking"]
    assert [(row["image"], row["num_pixel_issues"]) for row in rows] == [(1, 2), (0, 0), (2, 0)]


# Validators and ranges


ARRAYS = ["image_scores", "pixel_scores", "issues"]


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_has_a_strong_validator_that_saves_its_transfer(client, job, name):
    answer = client.get(f"{job}/{name}")
    tag = answer.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', tag)
    assert client.get(f"{job}/{name}").headers["ETag"] == tag
    for field in (tag, "*", f'"other", {tag}', f"W/{tag}"):
        unchanged = client.get(f"{job}/{name}", headers={"If-None-Match": field})
        assert (unchanged.status_code, unchanged.content) == (304, b""), field
        assert unchanged.headers["ETag"] == tag
    assert client.get(f"{job}/{name}", headers={"If-None-Match": '"other"'}).content == answer.content


def test_different_bytes_have_different_validators(client, job):
    arrays = [
        "image_scores",
        "pixel_scores",
        "pixel_scores?image=0",
        "pixel_scores?image=1",
        "issues",
        "issues?threshold=0.9",
    ]
    tags = {client.get(f"{job}/{array}").headers["ETag"] for array in arrays}
    assert len(tags) == len(arrays)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(
    "field, span",
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=130-999999", slice(130, None)),
        ("bytes=0-0", slice(0, 1)),
        ("bytes=-999999", slice(0, None)),
    ],
)
def test_a_range_is_served(client, job, name, field, span):
    whole = client.get(f"{job}/{name}")
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = client.get(f"{job}/{name}", headers={"Range": field})
    assert part.status_code == 206
    assert part.content == whole.content[span]
    first, last, _ = span.indices(len(whole.content))
    assert part.headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole.content)}"
    assert part.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("field", ["bytes=0-1,4-5", "bytes=9-2", "bytes=x", "lines=0-1"])
def test_several_ranges_and_no_ranges_at_all_give_the_whole(client, job, field):
    whole = client.get(f"{job}/issues")
    answer = client.get(f"{job}/issues", headers={"Range": field})
    assert (answer.status_code, answer.content) == (200, whole.content)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("field", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(client, job, name, field):
    size = client.head(f"{job}/{name}").headers["Content-Length"]
    answer = client.get(f"{job}/{name}", headers={"Range": field})
    assert_problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{size}"


def test_if_range_serves_the_range_of_the_same_array_only(client, job):
    whole = client.get(f"{job}/pixel_scores")
    same = client.get(f"{job}/pixel_scores", headers={"Range": "bytes=5-8", "If-Range": whole.headers["ETag"]})
    assert (same.status_code, same.content) == (206, whole.content[5:9])
    other = client.get(f"{job}/pixel_scores", headers={"Range": "bytes=5-8", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole.content)


# Expiry


@pytest.fixture(scope="module")
def forgetful(start_server):
    return Client(start_server("--result-ttl", "1"))


def test_results_expire_and_say_so(forgetful):
    links = forgetful.scored(BODY)["links"]
    eventually(lambda: forgetful.get(links["pixel_scores"]).status_code == 410, "the result expires")
    for result in RESULTS:
        assert_problem(forgetful.get(f"{links['self']}/{result}"), 410, "result-expired")
    document = forgetful.get(links["self"]).json()
    assert document["status"] == "succeeded"
    assert "pixel_scores" not in document["links"]


def test_results_beyond_the_memory_budget_make_room_oldest_first(start_server):
    labels, pred_probs = reference.sample(1, 2, 128, 128)
    body = npz(labels=labels, pred_probs=pred_probs)
    client = Client(start_server("--result-memory", "300000"))
    paths = [client.scored(body)["links"]["pixel_scores"] for _ in range(12)]
    assert_problem(client.get(paths[0]), 410, "result-expired")
    np.testing.assert_array_equal(array_of(client.get(paths[-1])), reference.pixel_scores(labels, pred_probs))
    statuses = [client.head(path).status_code for path in paths]
    assert statuses == sorted(statuses, reverse=True), "no older result outlives a newer one"


# Parameters


@pytest.mark.parametrize(
    "suffix, parameter",
    [
        ("?wait=-1", "wait"),
        ("?wait=61", "wait"),
        ("?wait=x", "wait"),
        ("/pixel_scores?image=4", "image"),
        ("/pixel_scores?image=-1", "image"),
        ("/pixel_scores?image=", "image"),
        ("/issues?image=4", "image"),
        ("/issues?threshold=1.01", "threshold"),
        ("/issues?threshold=nan", "threshold"),
        ("/ranking?limit=0", "limit"),
        ("/ranking?limit=1e3", "limit"),
        ("/ranking?threshold=-0.1", "threshold"),
    ],
)
def test_a_parameter_out_of_range_is_refused(client, job, suffix, parameter):
    assert_problem(client.get(f"{job}{suffix}"), 400, "invalid-parameter", parameter)


@pytest.mark.parametrize(
    "parameter, value",
    [("limit", "0"), ("limit", "501"), ("limit", "many"), ("status", "done"), ("cursor", "no cursor")],
)
def test_a_parameter_of_the_list_out_of_range_is_refused(client, parameter, value):
    assert_problem(client.get("/jobs", params={parameter: value}), 400, "invalid-parameter", parameter)


@pytest.mark.parametrize(
    "suffix, accept",
    [
        ("", NPY),
        ("/image_scores", PNG),
        ("/pixel_scores", "text/csv"),
        ("/issues", "text/html"),
        ("/label_issues", "image/tiff"),
        ("/statistics", PNG),
        ("/names", NPY),
        ("/ranking", NPY),
        ("/summary", "text/csv"),
    ],
)
def test_an_answer_in_another_form_is_refused(client, job, suffix, accept):
    assert_problem(client.get(f"{job}{suffix}", headers={"Accept": accept}), 406, "not-acceptable")


def test_the_list_is_json_only(client):
    assert_problem(client.get("/jobs", headers={"Accept": PNG}), 406, "not-acceptable")
