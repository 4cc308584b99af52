"""Issues for a CVAT, which a server of the tests stands in for."""

import http.server
import json
import threading
from types import SimpleNamespace

import pytest

import segscore
from segscore.cvat import CVATError, post_issues
from test_regions import sample

TOKEN = "secret"


class Handler(http.server.BaseHTTPRequestHandler):
    """What CVAT's REST of issues is like: who has no token is refused, and so is what its SDK would refuse."""

    def do_GET(self):
        self.reply("GET", None)

    def do_POST(self):
        self.reply("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def reply(self, method, body):
        cvat = self.server.cvat
        cvat.seen.append(f"{method} {self.path}")
        if self.headers["Authorization"] != f"Token {TOKEN}":
            return self.send(401, {"detail": "Invalid token."})
        if self.path in cvat.answers:
            return self.send(*cvat.answers[self.path])
        if method == "POST" and len(cvat.issues) == cvat.most:
            return self.send(403, {"detail": "You do not have permission to perform this action."})
        if self.path == "/api/jobs/7":
            return self.send(200, {"id": 7, "start_frame": cvat.start, "stop_frame": cvat.start + len(cvat.frames) - 1})
        if self.path == "/api/jobs/7/data/meta":
            frames = [{"name": name, "width": 18, "height": 24} for name in cvat.frames]
            return self.send(200, {"frames": frames, "size": len(frames)})
        if method == "POST" and self.path == "/api/issues":
            assert self.headers["Content-Type"] == "application/json"
            check(body)
            cvat.issues.append(body)
            return self.send(201, {"id": len(cvat.issues)} | body)
        return self.send(404, {"detail": "Not found."})

    def send(self, status, document, **fields):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def check(body):
    assert body.keys() == {"job", "frame", "position", "message"}
    assert type(body["job"]) is type(body["frame"]) is int and len(body["position"]) == 4 and body["message"]
    try:
        from cvat_sdk.models import IssueWriteRequest
    except ImportError:
        return
    IssueWriteRequest(**body)


@pytest.fixture
def cvat():
    """A CVAT with the frames of a job."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    names = [f"{image}.jpg" for image in range(5)]
    server.cvat = SimpleNamespace(url=url, frames=names, start=0, issues=[], seen=[], answers={}, most=1000)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.cvat
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def arrays():
    return sample(5, 24, 18)


def test_each_region_has_an_issue_at_its_box(job, cvat):
    cvat.start = 10
    regions = list(job.regions(limit=7))
    assert post_issues(job, cvat.url + "/", TOKEN, 7, regions=regions) == len(cvat.issues) == 7
    for region, issue in zip(regions, cvat.issues):
        x, y, width, height = region.bbox
        assert issue["position"] == [x, y, x + width, y + height]
        assert (issue["job"], issue["frame"]) == (7, 10 + region.image)
        assert issue["message"] == (
            f"segscore: labelled {region.given}, the model suggests {region.suggested}; "
            f"score {region.mean_own:.3f}, {region.area} pixel{'' if region.area == 1 else 's'}"
        )


def test_the_message_says_what_was_decided(job, cvat):
    first, second, third = job.regions(limit=3)
    job.decide(first, "wrong", reviewer="Ada")
    job.decide(second, "fine")
    names = ["road", "car", "tree", "sky"]
    assert post_issues(job, cvat.url, TOKEN, 7, regions=job.regions(limit=3), class_names=names) == 3
    messages = [issue["message"] for issue in cvat.issues]
    assert messages[0].startswith(
        f"segscore: labelled {names[first.given]}, the model suggests {names[first.suggested]};"
    )
    assert messages[0].endswith(f"; wrong, should be {names[first.suggested]} by Ada")
    assert messages[1].endswith("; fine")
    assert messages[2].endswith(f" {third.area} pixels")


def test_the_worst_regions_are_taken(job, cvat):
    assert post_issues(job, cvat.url, TOKEN, 7) == min(len(job.regions()), 100) == len(cvat.issues)


def test_frames_are_known_by_their_names(job, cvat):
    job.names = ["a", "b/c", "d", "e", "f.g"]
    cvat.frames = ["x.png", "set/f.g.png", "set/e.png", "d.jpg", "b/c.jpg", "a.jpg"]
    one_each = list({region.image: region for region in job.regions()}.values())
    assert len(one_each) == 5
    post_issues(job, cvat.url, TOKEN, 7, regions=one_each)
    assert [issue["frame"] for issue in cvat.issues] == [5 - region.image for region in one_each]
    cvat.issues.clear()
    post_issues(job, cvat.url, TOKEN, 7, regions=one_each, by_order=True)
    assert [issue["frame"] for issue in cvat.issues] == [region.image for region in one_each]


def test_nothing_is_posted_of_images_that_are_no_frames(client, job, arrays, cvat):
    job.names = ["a", "b", "c", "d", "e"]
    with pytest.raises(ValueError, match=r"the image '.' is no frame of CVAT's job 7, which has 5"):
        post_issues(job, cvat.url, TOKEN, 7)
    cvat.frames = ["a.jpg", "x/a.jpg"]
    with pytest.raises(ValueError, match=r"'a.jpg' and 'x/a.jpg' are both of the image 'a'"):
        post_issues(job, cvat.url, TOKEN, 7)
    job.names = None
    with pytest.raises(ValueError, match="the image [234] is no frame"):
        post_issues(job, cvat.url, TOKEN, 7)
    volume = client.submit(arrays[0][None], arrays[1].swapaxes(0, 1)[None], method="margin")
    with pytest.raises(ValueError, match="in a slice of a volume"):
        post_issues(volume, cvat.url, TOKEN, 7)
    assert cvat.issues == []


def test_errors_say_what_cvat_said(job, cvat):
    with pytest.raises(CVATError, match=r"CVAT answered 401 to GET .*/api/jobs/7: .*Invalid token") as caught:
        post_issues(job, cvat.url, "other", 7)
    assert (caught.value.status, caught.value.posted) == (401, 0) and "other" not in str(caught.value)
    with pytest.raises(CVATError, match=r"404 to GET .*/api/jobs/8: .*Not found"):
        post_issues(job, cvat.url, TOKEN, 8)
    cvat.most = 2
    with pytest.raises(
        CVATError, match=r"403 to POST .*do not have permission.* 2 issues were posted before"
    ) as caught:
        post_issues(job, cvat.url, TOKEN, 7)
    assert (caught.value.status, caught.value.posted) == (403, 2)
    cvat.answers["/api/jobs/7/data/meta"] = (200, {"frames": None})
    with pytest.raises(CVATError, match="tells of its job 7 no start_frame and frames"):
        post_issues(job, cvat.url, TOKEN, 7)
    cvat.answers["/api/jobs/7"] = (200, b"<html>")
    with pytest.raises(CVATError, match="is no CVAT: b'<html>'"):
        post_issues(job, cvat.url, TOKEN, 7)
    with pytest.raises(ValueError, match="is no http://host"):
        post_issues(job, "app.cvat.ai", TOKEN, 7)


def test_a_token_goes_nowhere_else(job, cvat, monkeypatch):
    def lead(handler, method, body):
        cvat.seen.append(handler.path)
        handler.send(301, {}, Location=f"{cvat.url}/other")

    monkeypatch.setattr(Handler, "reply", lead)
    with pytest.raises(CVATError, match="It leads to .*/other: give that address as url"):
        post_issues(job, cvat.url, TOKEN, 7)
    assert cvat.seen == ["/api/jobs/7"]


def test_a_cvat_that_is_not_there_is_said(job, cvat):
    with pytest.raises(CVATError, match="No answer to GET http://127.0.0.1:1/api/jobs/7") as caught:
        segscore.cvat.post_issues(job, "http://127.0.0.1:1", TOKEN, 7)
    assert caught.value.status is None
