"""`GET /metrics`: what it counts is what was sent."""

import re
import time

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

import reference
from bodies import json_text, npz
from client import BareConnection, Client, assert_problem
from documents import text_of
from server import eventually

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LABELS, PRED_PROBS = reference.sample(dtype=np.float64)
GOOD = npz(labels=LABELS, pred_probs=PRED_PROBS)
# What is wrong with JSON is seen by its job, which therefore fails.
BAD = json_text('{"labels": [[[7]]], "pred_probs": [[[[0.5]], [[0.5]]]]}')


class Metrics:
    """One scrape, parsed."""

    def __init__(self, client):
        answer = client.get("/metrics")
        assert answer.status_code == 200
        self.families = list(text_string_to_metric_families(answer.text))
        self.byte_count = len(answer.content)
        self.values = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def __call__(self, name, **labels):
        return self.values.get((name, *sorted(labels.items())), 0)


@pytest.fixture
def fresh(start_server):
    """A client of a server that nobody else asks."""
    with Client(start_server()) as client:
        yield client


def test_the_answer_is_prometheus_text(client):
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert answer.text.endswith("\n")
    names = re.findall(r"^# TYPE (\S+) ", answer.text, re.MULTILINE)
    assert names == sorted(set(names)) == re.findall(r"^# HELP (\S+) \S", answer.text, re.MULTILINE)
    head = client.head("/metrics")
    assert (head.status_code, head.headers["Content-Type"], head.content) == (200, MEDIA_TYPE, b"")


def test_other_methods_and_parameters_are_refused(client):
    answer = client.post("/metrics")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, HEAD"
    assert_problem(client.get("/metrics?name=x"), 400, "unknown-parameter", "name")


def test_requests_are_counted_by_route_method_and_status(fresh):
    path = fresh.scored(GOOD)["links"]["self"]
    assert fresh.score(GOOD, method="num_pixel_issues").status_code == 200
    for suffix, status in [("", 200), ("/image_scores", 200), ("/image_scores", 200), ("/nothing", 404)]:
        assert fresh.get(path + suffix).status_code == status
    assert fresh.head(f"{path}/pixel_scores").status_code == 200
    assert fresh.score(BAD).status_code == 422
    for method in ("INVENTED", "ANOTHER"):
        assert fresh.request(method, "/livez").status_code == 405
    assert fresh.get(f"/{'x' * 50}").status_code == 404
    assert fresh.delete(path).status_code == 204

    metrics = Metrics(fresh)
    counted = {name: value for name, value in metrics.values.items() if name[0] == "segscore_http_requests_total"}
    assert counted == {
        ("segscore_http_requests_total", ("method", method), ("route", route), ("status", status)): count
        for route, method, status, count in [
            ("/score", "POST", "200", 2),
            ("/score", "POST", "422", 1),
            ("/jobs/{id}", "GET", "200", 1),
            ("/jobs/{id}", "DELETE", "204", 1),
            ("/jobs/{id}/image_scores", "GET", "200", 2),
            ("/jobs/{id}/pixel_scores", "HEAD", "200", 1),
            ("/livez", "other", "405", 2),
            ("other", "GET", "404", 2),
        ]
    }
    for route, count in [("/score", 3), ("/jobs/{id}", 2), ("/jobs/{id}/image_scores", 2), ("other", 2)]:
        assert metrics("segscore_http_request_duration_seconds_count", route=route) == count
        assert metrics("segscore_http_request_duration_seconds_bucket", route=route, le="+Inf") == count
        assert metrics("segscore_http_request_duration_seconds_sum", route=route) > 0


def test_bytes_are_counted_both_ways(fresh):
    before = Metrics(fresh)
    assert before("segscore_http_request_bytes_total") == before("segscore_http_response_bytes_total") == 0
    answers = [fresh.score(GOOD), fresh.score(BAD), fresh.get("/openapi.yaml")]
    fresh.head("/openapi.yaml")
    after = Metrics(fresh)
    assert after("segscore_http_request_bytes_total") == len(GOOD.data) + len(BAD.data)
    assert after("segscore_http_response_bytes_total") == before.byte_count + sum(len(a.content) for a in answers)


def test_requests_under_way_are_shown(fresh):
    # The one that asks is one of them.
    eventually(lambda: Metrics(fresh)("segscore_http_requests_in_flight") == 1, "nothing else is under way")
    with BareConnection(fresh.server.address) as upload:
        upload.send_body_head(GOOD)
        upload.send(GOOD.data[:100])
        eventually(lambda: Metrics(fresh)("segscore_http_requests_in_flight") == 2, "the upload is under way")
        assert Metrics(fresh)("segscore_jobs", status="receiving") == 1
    labels = {"route": "/score", "method": "POST", "status": "none"}
    eventually(lambda: Metrics(fresh)("segscore_http_requests_total", **labels) == 1, "it is counted as given up")
    metrics = Metrics(fresh)
    assert metrics("segscore_http_request_bytes_total") == 100
    assert metrics("segscore_jobs", status="receiving") == 0


def test_what_the_server_refuses_by_itself_is_counted(start_server):
    server = start_server("--idle-timeout", "1", "--max-body-bytes", "10000", "--max-header-bytes", "4096")
    for method, fields, status in [
        ("GET", ["X-Filler: " + "x" * 8000], 431),
        ("POST", ["Content-Length: 1", "Content-Length: 2"], 400),
        ("POST", ["Content-Length: 20000"], 413),
        ("POST", ["Transfer-Encoding: gzip"], 501),
    ]:
        with BareConnection(server.address) as connection:
            connection.send_head(method, "/score", *fields)
            if status == 413:
                connection.send(bytes(20000))
            assert connection.read_head()[0] == status
    with BareConnection(server.address) as stalled, Client(server) as client:
        stalled.send_body_head(GOOD)
        stalled.send(GOOD.data[:100])
        assert_problem(stalled.read(), 408, "request-timeout")
        labels = {"route": "/score", "method": "POST", "status": "408"}
        eventually(lambda: Metrics(client)("segscore_http_requests_total", **labels) == 1, "the stalled one is counted")
        metrics = Metrics(client)
    for method, status in [("GET", 431), ("POST", 400), ("POST", 413), ("POST", 501)]:
        assert metrics("segscore_http_requests_total", route="other", method=method, status=str(status)) == 1, status


def test_jobs_are_counted_by_method_and_end(fresh):
    for _ in range(3):
        fresh.scored(GOOD)
    fresh.scored(GOOD, method="num_pixel_issues")
    fresh.score(BAD)
    metrics = Metrics(fresh)
    for method, succeeded, failed in [("softmin", 3, 1), ("num_pixel_issues", 1, 0)]:
        assert metrics("segscore_jobs_finished_total", method=method, status="succeeded") == succeeded
        assert metrics("segscore_jobs_finished_total", method=method, status="failed") == failed
        assert metrics("segscore_jobs_finished_total", method=method, status="canceled") == 0
        assert metrics("segscore_scoring_seconds_count", method=method) == succeeded + failed
        assert metrics("segscore_images_total", method=method) == succeeded * len(LABELS)
        assert metrics("segscore_pixels_total", method=method) == succeeded * LABELS.size
    assert metrics("segscore_job_wait_seconds_count") == 5
    assert metrics("segscore_jobs", status="succeeded") == 4
    assert metrics("segscore_jobs", status="failed") == 0, "a refused request leaves no job"
    assert metrics("segscore_job_queue_depth") == 0
    assert 0 < metrics("segscore_result_bytes") < metrics("segscore_result_budget_bytes") == 1 << 30


def test_results_that_are_forgotten_take_no_memory(fresh):
    path = fresh.scored(GOOD)["links"]["self"]
    assert Metrics(fresh)("segscore_result_bytes") > 0
    fresh.delete(path)
    metrics = Metrics(fresh)
    assert metrics("segscore_result_bytes") == metrics("segscore_jobs", status="succeeded") == 0
    assert metrics("segscore_jobs_finished_total", method="softmin", status="canceled") == 0


def test_buckets_are_cumulative(fresh):
    fresh.scored(GOOD)
    families = [family for family in Metrics(fresh).families if family.type == "histogram"]
    assert len(families) == 3
    for family in families:
        series = {}
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
                series.setdefault(labels, []).append((float(sample.labels["le"]), sample.value))
        for buckets in series.values():
            assert buckets == sorted(buckets)
            assert [count for _, count in buckets] == sorted(count for _, count in buckets)
            assert buckets[-1][0] == float("inf")


def test_the_process_and_the_build_are_described(fresh):
    metrics = Metrics(fresh)
    resident = fresh.server.resident_bytes
    assert metrics("process_resident_memory_bytes") == pytest.approx(resident, rel=0.5)
    assert metrics("segscore_process_resident_memory_bytes") == metrics("process_resident_memory_bytes")
    assert 3 < metrics("process_open_fds") < 1000
    # The kernel says in whole seconds when it was started itself.
    assert -2 < time.time() - metrics("process_start_time_seconds") < 3600
    cpu = metrics("process_cpu_seconds_total")
    for _ in range(20):
        fresh.scored(GOOD)
    assert cpu <= Metrics(fresh)("process_cpu_seconds_total") < 60
    assert metrics("segscore_build_info", version=fresh.get("/version").json()["version"]) == 1


def test_the_page_on_metrics_lists_every_metric_with_its_labels(fresh):
    fresh.scored(GOOD)
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", text_of("docs/metrics.md"), re.MULTILINE)
    described = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    found = {}
    for family in Metrics(fresh).families:
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, labels)
    assert described == found
