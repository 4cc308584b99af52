"""The review page in a browser: Debian's Chromium, driven by Playwright."""

import contextlib
import dataclasses
import io
import json
import os
import pathlib
import re
import time
import urllib.parse
import zipfile

import numpy as np
import PIL.Image
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright import sync_api

from bodies import multipart, npy, npz
from server import PATIENCE, ROOT

CHROMIUM = pathlib.Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
KEY = "a-key-of-the-review-page-tests"
SAMPLE = ROOT / "Examples/sample"
LABELS = np.load(SAMPLE / "labels.npy")
PREDICTED = np.load(SAMPLE / "pred_probs.npy").argmax(axis=1)
MILLISECONDS = 1000 * PATIENCE
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@dataclasses.dataclass
class Service:
    """A server that has scored the sample."""

    url: str
    key: str | None = None
    job: str = ""

    def ask(self, method, path, **options):
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers |= options.pop("headers", {})
        options = {"timeout": PATIENCE} | options
        answer = requests.request(method, self.url + path, headers=headers, **options)
        assert answer.ok, f"{answer.status_code}: {answer.text[:500]}"
        return answer

    def score(self):
        """Scores the sample, unless that was done, with label issues."""
        jobs = self.ask("GET", "/jobs?limit=50").json()["jobs"]
        found = [job["id"] for job in jobs if job["method"] == "margin"]
        if not found:
            body = multipart(labels=LABELS, pred_probs=np.load(SAMPLE / "pred_probs.npy"))
            fields = body.fields | {"Accept": "application/json"}
            found = [self.ask("POST", "/score?method=margin", data=body.data, headers=fields).json()["job"]]
        self.job = found[0]
        return self

    def send(self, labels, pred_probs, query="method=margin"):
        """The same server with another job."""
        body = npz(labels=labels, pred_probs=pred_probs)
        fields = body.fields | {"Accept": "application/json"}
        # Some have hundreds of megabytes, on machines that may be busy.
        answer = self.ask("POST", f"/score?{query}", data=body.data, headers=fields, timeout=6 * PATIENCE)
        return dataclasses.replace(self, job=answer.json()["job"])

    def decide(self, regions, verdict, reviewer="anonymous", of="label_issues", **members):
        decisions = [{"region": region["id"], "verdict": verdict} | members for region in regions]
        body = {"reviewer": reviewer, "decisions": decisions}
        self.ask("POST", f"/jobs/{self.job}/decisions?of={of}", json=body)

    def decisions(self):
        return self.ask("GET", f"/jobs/{self.job}/decisions?limit=10000").json()["decisions"]

    def forget_decisions(self):
        for decision in self.decisions():
            names = ["of", "reviewer"] + (["threshold"] if decision["threshold"] is not None else [])
            query = {name: decision[name] for name in names}
            self.ask("DELETE", f"/jobs/{self.job}/decisions/{decision['region']}?{urllib.parse.urlencode(query)}")

    def regions(self, **query):
        query = {"min_thickness": 2, "limit": 1000} | query
        return self.ask("GET", f"/jobs/{self.job}/regions?{urllib.parse.urlencode(query)}").json()["regions"]


@pytest.fixture(scope="module")
def service(start_server):
    return Service(f"http://127.0.0.1:{start_server().port}").score()


@pytest.fixture(scope="module")
def locked_service(start_server, tmp_path_factory):
    """A server that wants a key."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEY + "\n")
    keys.chmod(0o600)
    server = start_server("--api-key-file", keys)
    return Service(f"http://127.0.0.1:{server.port}", KEY).score()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


class Review:
    """A tab on the page, which notes what must not happen."""

    def __init__(self, browser, service, **options):
        self.service = service
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        self.context.set_default_timeout(MILLISECONDS)
        self.context.add_init_script(REPORT_VIOLATIONS)
        self.errors = []
        self.requests = []
        self.may_fail = None
        self.tab = self.new_tab()

    def new_tab(self):
        tab = self.context.new_page()
        tab.on("console", self._note_message)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("request", lambda request: self.requests.append(request.url))
        return tab

    def _note_message(self, message):
        if message.type == "error" and not (self.may_fail and re.search(self.may_fail, message.text)):
            self.errors.append(message.text)

    def open(self, path="/", **parameters):
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        # A new fragment alone loads nothing; the tests want what a reviewer has who comes by the link.
        self.tab.goto("about:blank")
        self.tab.goto(f"{self.service.url}/#{path}{query}")
        return self.tab

    def open_queue(self, **parameters):
        self.open(f"/jobs/{self.service.job}/queue", **parameters)
        self.wait_for_region()
        return self.tab

    def wait_for_region(self):
        """Waits until the region is drawn, its layers are there, and its verdict may be given."""
        sync_api.expect(self.tab.locator(".stage")).to_have_attribute("aria-busy", "false")
        self.wait_until(lambda: "region" in self.parameters, "the address names the region")

    def wait_until(self, condition, message):
        """Asks from outside: functions that wait inside of the page are evaluated there, which its policy forbids."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not within {PATIENCE} s: {message}"
            self.tab.wait_for_timeout(20)

    @property
    def parameters(self):
        """Those of the address."""
        return dict(urllib.parse.parse_qsl(self.tab.url.partition("#")[2].partition("?")[2]))

    def wait_for_parameter(self, name, value):
        self.wait_until(lambda: self.parameters.get(name) == value, f"{name} is {value}")

    def wait_until_saved(self):
        sync_api.expect(self.tab.locator("#saving")).to_have_text("All saved")

    def press(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def screenshot(self):
        """What the window shows, (H, W, 3), after the next frames were drawn."""
        self.tab.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return np.asarray(PIL.Image.open(io.BytesIO(self.tab.screenshot())).convert("RGB")).astype(int)

    def swatches(self):
        """The legend's colours."""
        script = "rows => rows.map((row) => getComputedStyle(row).backgroundColor)"
        colours = self.tab.locator(".legend .swatch").evaluate_all(script)
        return [[int(channel) for channel in re.findall(r"\d+", colour)] for colour in colours]

    def read_pixel(self, x, y):
        """What the page says of the pixel under a place of the window: column, row, given and suggested; or None."""
        self.tab.mouse.move(x, y)
        text = self.tab.locator(".readout").inner_text()
        found = re.search(r"(\d+), (\d+)\s+given\s+class (\d+)\s+suggested\s+class (\d+)", text)
        return tuple(map(int, found.groups())) if found else None

    def grid(self, across=6, down=5):
        """Places all over the stage."""
        box = self.tab.locator(".stage").bounding_box()
        for j in range(down):
            for i in range(across):
                yield (
                    int(box["x"] + (i + 0.5) * box["width"] / across),
                    int(box["y"] + (j + 0.5) * box["height"] / down),
                )

    def close(self):
        self.context.close()

    def check(self):
        assert self.errors == []
        strangers = [url for url in self.requests if not url.startswith((self.service.url, "blob:", "data:", "about:"))]
        assert strangers == []


@contextlib.contextmanager
def reviewing(browser, service, **options):
    service.forget_decisions()
    review = Review(browser, service, **options)
    try:
        yield review
        review.check()
    finally:
        # What a test answers in the server's place may still be on its way.
        review.context.unroute_all(behavior="ignoreErrors")
        for tab in review.context.pages:
            tab.unroute_all(behavior="ignoreErrors")
        review.context.close()


@pytest.fixture
def review(browser, service):
    with reviewing(browser, service) as review:
        yield review


@pytest.fixture(scope="module")
def module_tab(browser, service):
    """A tab to call the page's modules in."""
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(service.url)
    yield tab
    context.close()


def heaviest(service, **query):
    return service.regions(**query)[0]


# Where to begin


def test_front_door_lists_the_jobs(review):
    tab = review.open()
    row = tab.locator("tbody tr", has_text=review.service.job[:8])
    sync_api.expect(row).to_contain_text("margin")
    sync_api.expect(row).to_contain_text("256 × 256")
    sync_api.expect(row).to_contain_text("not begun")
    row.get_by_role("link").click()
    sync_api.expect(tab.locator(".matrix")).to_be_visible()


def test_page_carries_its_policy(service):
    policy = service.ask("GET", "/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "javascript" in service.ask("GET", "/page/main.js").headers["Content-Type"]


def test_matrix_leads_to_the_queue_of_a_pair(review):
    tab = review.open(f"/jobs/{review.service.job}")
    regions = review.service.regions(given=2, suggested=1)
    cell = tab.get_by_role("link", name=f"given class 2, suggested class 1: {len(regions)} regions")
    cell.click()
    review.wait_for_region()
    assert review.parameters["given"] == "2"
    assert review.parameters["suggested"] == "1"
    sync_api.expect(tab.locator(".progress-text")).to_have_text(f"0 of {len(regions)} decided")
    assert review.parameters["region"] == regions[0]["id"]


def test_job_opens_within_few_requests(review):
    tab = review.open(f"/jobs/{review.service.job}")
    # What the first visit has still to fetch is none of the second.
    tab.wait_for_load_state("networkidle")
    review.requests.clear()
    sizes = []
    tab.on("response", lambda response: sizes.append(int(response.headers.get("content-length", 0))))
    tab.reload()
    sync_api.expect(tab.locator(".matrix")).to_be_visible()
    tab.wait_for_load_state("networkidle")
    asked = [url for url in review.requests if "/jobs" in url]
    assert len(asked) <= 20, asked
    assert sum(sizes) <= 3_000_000


# Names of classes


def with_class_names(review, names):
    def answer(route):
        document = route.fetch().json()
        document["parameters"]["class_names"] = names
        route.fulfill(json=document)

    review.tab.route(f"**/jobs/{review.service.job}", answer)


def test_names_of_the_job_are_shown_everywhere(review):
    names = ["ground", "road", "house", "tree", "car", "water"]
    path = f"/jobs/{review.service.job}"
    tab = review.open("/")
    # Names that were typed for another job of as many classes are not this one's.
    tab.evaluate("localStorage.setItem('segscore.classNames.6', JSON.stringify(['typed', 'typed']))")
    with_class_names(review, names)
    review.open(path)
    sync_api.expect(tab.locator(".matrix tbody th")).to_have_text([f"{k} {names[k]}" for k in range(5)])
    sync_api.expect(tab.get_by_role("button", name="Name classes")).to_have_count(0)
    assert "class_names" not in tab.locator(".formats a").first.get_attribute("href")
    review.open_queue(given=2, suggested=1)
    sync_api.expect(tab.locator(".region-pair")).to_have_text("2 house→1 road")
    sync_api.expect(tab.locator(".legend bdi")).to_have_text(names)
    review.press("e")
    sync_api.expect(tab.locator(".class-choice")).to_have_text([f"{k} {name}" for k, name in enumerate(names)])
    review.press("Escape")
    review.open(f"{path}/sheet", given=2, suggested=1)
    sync_api.expect(tab.get_by_role("heading", level=1)).to_have_text("2 house→1 road")


def test_names_that_are_typed_go_into_exports(review):
    tab = review.open(f"/jobs/{review.service.job}")
    tab.get_by_role("button", name="Name classes").click()
    tab.get_by_label("All names, with commas").fill("ground, road, house")
    tab.get_by_role("button", name="Save").click()
    sync_api.expect(tab.locator(".matrix tbody th").first).to_have_text("0 ground")
    tab.locator(".exports select").select_option("given")
    archive = saved(tab, tab.get_by_role("link", name="COCO"))
    instances = json.loads(archive["annotations/instances_default.json"])
    assert [category["name"] for category in instances["categories"]] == ["ground", "road", "house", "3", "4", "5"]


# The queue


def test_verdict_is_saved_and_the_next_region_shown(review):
    first, second = review.service.regions()[:2]
    review.open_queue()
    assert review.parameters["region"] == first["id"]
    review.press("w")
    review.wait_for_parameter("region", second["id"])
    review.wait_until_saved()
    (decision,) = review.service.decisions()
    assert decision["region"] == first["id"]
    assert (decision["verdict"], decision["label"]) == ("wrong", first["suggested"])
    assert decision["reviewer"] == "anonymous"
    sync_api.expect(review.tab.locator(".progress-text")).to_contain_text("1 of")


def test_each_verdict_has_a_key(review):
    regions = review.service.regions()[:4]
    tab = review.open_queue()
    review.press("a")
    review.wait_for_parameter("region", regions[1]["id"])
    review.wait_for_region()
    review.press("u")
    review.wait_for_parameter("region", regions[2]["id"])
    review.wait_for_region()
    review.press("e")
    tab.get_by_label("Number or name of the class").fill("5")
    review.press("Enter")
    review.wait_for_parameter("region", regions[3]["id"])
    review.wait_until_saved()
    found = {decision["region"]: (decision["verdict"], decision["label"]) for decision in review.service.decisions()}
    assert found[regions[0]["id"]][0] == "fine"
    assert found[regions[1]["id"]][0] == "unsure"
    assert found[regions[2]["id"]] == ("wrong", 5)


def test_note_goes_with_the_verdict(review):
    tab = review.open_queue()
    review.press("n")
    tab.get_by_label("Note", exact=True).last.fill("<b>mown</b> yesterday")
    tab.get_by_role("button", name="Save").click()
    sync_api.expect(tab.locator(".note")).to_have_text("<b>mown</b> yesterday")
    review.press("a")
    sync_api.expect(tab.locator(".note")).to_have_count(0)
    review.wait_until_saved()
    assert review.service.decisions()[0]["note"] == "<b>mown</b> yesterday"


def test_undo_goes_back_to_the_beginning(review):
    ids = [region["id"] for region in review.service.regions()[:4]]
    tab = review.open_queue()
    for key, following in zip("waw", ids[1:], strict=True):
        review.press(key)
        review.wait_for_parameter("region", following)
        review.wait_for_region()
    review.wait_until_saved()
    assert len(review.service.decisions()) == 3
    for before in reversed(ids[:3]):
        review.press("z")
        review.wait_for_parameter("region", before)
    review.wait_until_saved()
    assert review.service.decisions() == []
    sync_api.expect(tab.get_by_role("button", name="Undo")).to_be_disabled()


def test_undo_puts_the_verdict_before_back(review):
    region = heaviest(review.service)
    review.open_queue()
    review.press("a")
    review.press("k")
    review.wait_for_parameter("region", region["id"])
    review.wait_for_region()
    review.press("w")
    review.wait_until_saved()
    assert review.service.decisions()[0]["verdict"] == "wrong"
    review.press("z")
    review.wait_until_saved()
    assert review.service.decisions()[0]["verdict"] == "fine"


def test_reload_goes_on_and_can_still_undo(review):
    ids = [region["id"] for region in review.service.regions()[:3]]
    tab = review.open_queue()
    for key, following in zip("wa", ids[1:], strict=True):
        review.press(key)
        review.wait_for_parameter("region", following)
        review.wait_for_region()
    review.wait_until_saved()
    tab.reload()
    review.wait_for_region()
    assert review.parameters["region"] == ids[2]
    sync_api.expect(tab.locator(".progress-text")).to_contain_text("2 of")
    review.press("z")
    review.wait_for_parameter("region", ids[1])
    review.wait_until_saved()
    assert [decision["region"] for decision in review.service.decisions()] == [ids[0]]


def test_verdict_that_cannot_be_saved_is_kept(review):
    review.may_fail = "Failed to load resource"
    regions = review.service.regions()
    tab = review.open_queue()
    tab.route("**/decisions/**", lambda route: route.abort() if route.request.method == "PUT" else route.fallback())
    review.press("w")
    sync_api.expect(tab.locator(".notice")).to_contain_text("1 verdict is not saved yet")
    sync_api.expect(tab.locator("#saving")).to_have_text("1 unsaved")
    assert review.service.decisions() == []
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.unroute("**/decisions/**")
    tab.reload()
    review.wait_until_saved()
    assert [decision["region"] for decision in review.service.decisions()] == [regions[0]["id"]]


def test_verdict_that_is_refused_is_shown(review):
    review.may_fail = "Failed to load resource"
    tab = review.open_queue()
    problem = {"title": "Unknown label", "detail": "There is no class 77.", "status": 422}
    tab.route("**/decisions/**", lambda route: route.fulfill(status=422, json=problem))
    review.press("w")
    sync_api.expect(tab.locator(".notice")).to_contain_text("There is no class 77.")
    tab.get_by_role("button", name="Drop them").click()
    review.wait_until_saved()


def test_deep_link_shows_region_view_and_layer(review):
    region = review.service.regions()[7]
    view = {"at": "100.0,120.0,5.000", "layer": "suggested"}
    tab = review.open_queue(region=region["id"], **view)
    assert {name: review.parameters[name] for name in ("region", *view)} == {"region": region["id"], **view}
    sync_api.expect(tab.get_by_role("button", name="Suggested")).to_have_attribute("aria-pressed", "true")
    box = tab.locator(".stage").bounding_box()
    found = review.read_pixel(int(box["x"] + box["width"] / 2) + 2, int(box["y"] + box["height"] / 2) + 2)
    assert found[:2] == (100, 120)


def test_region_that_a_filter_leaves_out_is_shown_by_its_link(review):
    thin = next(region for region in review.service.regions(min_thickness=1) if region["thickness"] == 1)
    review.open_queue(region=thin["id"])
    assert review.parameters["region"] == thin["id"]


def test_border_noise_is_apart(review):
    wide, all_regions = len(review.service.regions()), len(review.service.regions(min_thickness=1))
    tab = review.open_queue()
    sync_api.expect(tab.locator(".progress-text")).to_have_text(f"0 of {wide} decided")
    sync_api.expect(tab.locator(".filters")).to_contain_text(f"({all_regions - wide} regions)")
    tab.get_by_label(re.compile("Border noise")).check()
    sync_api.expect(tab.locator(".progress-text")).to_have_text(f"0 of {all_regions} decided")


# The end of the queue


def test_disagreements_are_offered_at_the_end(review):
    pair = {"given": 2, "suggested": 1}
    review.service.decide(review.service.regions(**pair)[:-1], "fine")
    everything = review.service.regions(of="disagreements", **pair)
    tab = review.open_queue(**pair)
    offer = tab.get_by_role("button", name="Go on with all disagreements")
    review.press("d")
    sync_api.expect(offer).to_have_count(0)
    review.press("a")
    sync_api.expect(tab.locator(".stage-message")).to_contain_text(f"in {len(everything)} regions in all")
    sync_api.expect(offer).to_be_visible()
    review.press("d")
    review.wait_for_parameter("region", everything[0]["id"])
    # The link holds which queue it is.
    assert review.parameters["of"] == "disagreements"
    assert {name: int(review.parameters[name]) for name in pair} == pair
    tab.reload()
    review.wait_for_region()
    sync_api.expect(tab.locator(".filters")).to_contain_text("All disagreements")
    review.press("w")
    review.wait_until_saved()
    assert review.service.decisions()[-1]["of"] == "disagreements"


def test_disagreements_are_offered_where_there_is_no_label_issue(review):
    pair = next(
        {"given": region["given"], "suggested": region["suggested"]}
        for region in review.service.regions(of="disagreements")
        if not review.service.regions(given=region["given"], suggested=region["suggested"])
    )
    tab = review.open(f"/jobs/{review.service.job}/queue", **pair)
    sync_api.expect(tab.locator(".stage-message")).to_contain_text("There are no such regions.")
    tab.get_by_role("button", name="Go on with all disagreements").click()
    review.wait_for_region()
    assert review.parameters["of"] == "disagreements"


def test_end_of_all_disagreements_offers_no_more(review):
    pair = {"given": 2, "suggested": 1}
    for of in ("label_issues", "disagreements"):
        review.service.decide(review.service.regions(of=of, **pair), "fine", of=of)
    tab = review.open(f"/jobs/{review.service.job}/queue", **pair)
    # A queue of which nothing is left begins at its end.
    sync_api.expect(tab.locator(".stage-message")).to_contain_text("none is left either")
    review.press("k")
    review.wait_for_region()
    assert review.parameters["region"] == review.service.regions(**pair)[-1]["id"]


# Several reviewers


def test_disputes_come_first_and_say_who_said_what(review):
    service, regions = review.service, review.service.regions()
    light, heavy = regions[9], regions[6]
    for region in (light, heavy):
        service.decide([region], "wrong", "Ann")
        service.decide([region], "fine", "Bob", note="<i>shade</i>")
    # Two of one mind, and one who is unsure, dispute nothing.
    service.decide([regions[3]], "fine", "Ann")
    service.decide([regions[3]], "unsure", "Bob")
    tab = review.open_queue()
    assert review.parameters["region"] == heavy["id"]
    words = [f"Ann wrong class {heavy['suggested']}", "Bob fine <i>shade</i>"]
    statements = tab.locator(".statements li")
    assert [" ".join(text.split()) for text in statements.all_inner_texts()] == words
    sync_api.expect(tab.locator(".state")).to_contain_text("In dispute, last: fine")
    review.press("w")
    review.wait_for_parameter("region", light["id"])
    review.wait_for_region()
    review.press("a")
    review.wait_for_parameter("region", regions[0]["id"])
    sync_api.expect(statements).to_have_count(0)
    review.wait_until_saved()
    tab.reload()
    review.wait_for_region()
    # Who has the last word is not asked again.
    assert review.parameters["region"] == regions[0]["id"]
    review.open(f"/jobs/{service.job}")
    sync_api.expect(tab.locator(".progress-card")).to_contain_text("2 in dispute")


def test_dispute_ends_when_all_are_of_one_mind(review):
    service, region = review.service, review.service.regions()[2]
    service.decide([region], "wrong")
    service.decide([region], "fine", "Bob")
    tab = review.open_queue()
    assert review.parameters["region"] == region["id"]
    sync_api.expect(tab.locator(".state")).to_contain_text("In dispute, last: fine by Bob")
    # What is pressed is one's own word, and not the last.
    sync_api.expect(tab.get_by_role("button", name="Wrong")).to_have_attribute("aria-pressed", "true")
    review.press("a")
    review.wait_for_parameter("region", service.regions()[0]["id"])
    review.wait_for_region()
    review.press("k")
    review.wait_for_parameter("region", region["id"])
    sync_api.expect(tab.locator(".state")).to_have_text("Decided: fine")
    review.wait_until_saved()
    review.open(f"/jobs/{service.job}")
    sync_api.expect(tab.locator(".progress-card")).not_to_contain_text("in dispute")
    sync_api.expect(tab.locator(".progress-card")).to_contain_text("1 fine")


def test_undo_in_a_dispute_leaves_what_others_said(review):
    service, region = review.service, review.service.regions()[4]
    service.decide([region], "unsure")
    service.decide([region], "wrong", "Ann")
    service.decide([region], "fine", "Bob")
    tab = review.open_queue()
    assert review.parameters["region"] == region["id"]
    review.press("w")
    review.wait_until_saved()
    review.press("z")
    review.wait_for_parameter("region", region["id"])
    review.wait_until_saved()
    found = {decision["reviewer"]: decision["verdict"] for decision in service.decisions()}
    assert found == {"anonymous": "unsure", "Ann": "wrong", "Bob": "fine"}
    sync_api.expect(tab.locator(".statements li")).to_have_count(3)


# What is drawn


def opaque(review):
    """The layers without the picture shining through, and the whole image in view."""
    review.tab.get_by_label("Opacity").fill("1")
    review.tab.locator(".stage").focus()
    review.press("i")


def drawn(review, layer):
    """Compares the window with the palette at places all over the image; returns the classes that were seen."""
    places = {place: found for place in review.grid() if (found := review.read_pixel(*place))}
    image = int(review.parameters["region"].split("-")[0])
    review.tab.mouse.move(1, 1)
    pixels, palette = review.screenshot(), review.swatches()
    classes = []
    for (x, y), (column, row, given, suggested) in places.items():
        assert given == LABELS[image, row, column]
        assert suggested == PREDICTED[image, row, column]
        wanted = {"given": given, "suggested": suggested}[layer]
        colour = pixels[y, x]
        # The outline of the region may run through a place.
        if colour.max() <= 1 or colour.min() >= 254:
            continue
        assert np.abs(colour - palette[wanted]).max() <= 2, f"{layer} {wanted} at {column}, {row} is drawn {colour}"
        classes.append(wanted)
    assert len(classes) >= 10
    return classes


@pytest.mark.parametrize(("layer", "key"), [("given", "1"), ("suggested", "2")])
def test_mask_has_the_colours_of_the_legend(review, layer, key):
    review.open_queue()
    review.press(key)
    opaque(review)
    assert len(set(drawn(review, layer))) >= 2


def test_space_hides_the_mask(review):
    review.open_queue()
    opaque(review)
    with_mask = review.screenshot()
    review.tab.keyboard.down("Space")
    without = review.screenshot()
    sync_api.expect(review.tab.get_by_role("button", name="Hide")).to_have_attribute("aria-pressed", "true")
    review.tab.wait_for_timeout(300)
    review.tab.keyboard.up("Space")
    again = review.screenshot()
    assert (with_mask[60:700, 100:800] != without[60:700, 100:800]).any(axis=2).mean() > 0.3
    np.testing.assert_array_equal(with_mask[60:700, 100:800], again[60:700, 100:800])


def test_switched_off_class_is_not_drawn(review):
    review.open_queue()
    opaque(review)
    place, found = next((place, found) for place in review.grid() if (found := review.read_pixel(*place)))
    colour = review.swatches()[found[2]]
    box = review.tab.locator(f".legend li[data-class='{found[2]}'] input")
    box.uncheck()
    assert np.abs(review.screenshot()[place[1], place[0]] - colour).max() > 2
    box.check()
    assert np.abs(review.screenshot()[place[1], place[0]] - colour).max() <= 2


def test_flicker_changes_layers_and_keeps_the_view(review):
    tab = review.open_queue()
    review.press("+")
    # The address follows the view a moment later.
    review.wait_until(lambda: "at" in review.parameters, "the address has the view")
    before = review.parameters["at"]
    review.press("f")
    given, suggested = (tab.get_by_role("button", name=name) for name in ("Given", "Suggested"))
    for button in (suggested, given, suggested):
        sync_api.expect(button).to_have_attribute("aria-pressed", "true")
    review.press("f")
    sync_api.expect(tab.get_by_role("button", name="Flicker")).to_have_attribute("aria-pressed", "false")
    review.press("1")
    assert review.parameters["at"] == before


def test_scores_and_issues_are_drawn(review):
    review.open_queue()
    plain = review.screenshot()
    review.press("3")
    hatched = review.screenshot()
    assert (plain != hatched).any()
    review.press("3", "4")
    assert (review.screenshot() != plain).any(axis=2).mean() > 0.2


def test_settings_are_kept_from_region_to_region_and_over_a_reload(review):
    tab = review.open_queue()
    review.press("c", "]", "]", "j")
    review.wait_for_region()
    sync_api.expect(tab.get_by_role("button", name="Contour")).to_have_attribute("aria-pressed", "true")
    tab.reload()
    review.wait_for_region()
    sync_api.expect(tab.get_by_role("button", name="Contour")).to_have_attribute("aria-pressed", "true")
    sync_api.expect(tab.get_by_label("Opacity")).to_have_value("0.55")


def test_wheel_zooms_and_dragging_moves(review):
    tab = review.open_queue()
    review.press("i")
    x, y = list(review.grid())[14]
    before = review.read_pixel(x, y)
    tab.mouse.wheel(0, -400)
    column, row, *_ = review.read_pixel(x, y)
    # The pixel under the pointer stays there.
    assert abs(column - before[0]) <= 1
    assert abs(row - before[1]) <= 1
    tab.mouse.down()
    tab.mouse.move(x + 60, y + 40, steps=4)
    tab.mouse.up()
    assert np.abs(np.subtract(review.read_pixel(x + 60, y + 40)[:2], (column, row))).max() <= 1


def test_pictures_come_from_a_folder_where_the_server_has_none(review):
    job = review.service.job

    def without_images(route):
        document = route.fetch().json()
        document["links"].pop("images", None)
        route.fulfill(json=document)

    review.tab.route(f"**/jobs/{job}", without_images)
    tab = review.open_queue()
    without = review.screenshot()
    review.requests.clear()
    tab.locator("input[type=file]").set_input_files(SAMPLE / "images")
    sync_api.expect(tab.get_by_text("All 12 images have a picture.")).to_be_visible()
    review.wait_until(lambda: (review.screenshot() != without).any(axis=2).mean() > 0.3, "the picture is drawn")
    assert [url for url in review.requests if not url.startswith("blob:")] == []


# The contact sheet


def test_sheet_gives_one_verdict_to_all_but_the_marked(review):
    regions = review.service.regions(given=2, suggested=1)
    tab = review.open(f"/jobs/{review.service.job}/sheet", given=2, suggested=1)
    cells = tab.locator(".cell-button")
    sync_api.expect(cells).to_have_count(min(24, len(regions)))
    marked = regions[1]["id"]
    tab.locator(f"[data-region='{marked}']").click()
    review.press("ArrowRight", "Space")
    review.press("a")
    review.wait_until_saved()
    decisions = review.service.decisions()
    assert {decision["verdict"] for decision in decisions} == {"fine"}
    expected = {region["id"] for region in regions[:24]} - {marked, regions[2]["id"]}
    assert {decision["region"] for decision in decisions} == expected
    review.press("z")
    review.wait_until_saved()
    assert review.service.decisions() == []


# Jobs of other kinds


def contradicted(shape, classes=4):
    """Labels of (N, *shape) that a model contradicts in one box of each image, and its probabilities."""
    truth = np.zeros((2, *shape), np.uint8)
    truth[..., shape[-1] // 2 :] = 1
    labels = truth.copy()
    labels[:, *(slice(extent // 4, extent // 2) for extent in shape)] = 2
    others = 0.03
    pred_probs = np.full((2, classes, *shape), others, np.float32)
    np.put_along_axis(pred_probs, truth[:, None].astype(int), 1 - others * (classes - 1), 1)
    return labels, pred_probs


@pytest.fixture(scope="module")
def labelled_service(start_server, tmp_path_factory):
    """A server whose job has read the labelled classes' probabilities alone."""
    folder = tmp_path_factory.mktemp("data")
    labels, pred_probs = contradicted((32, 32))
    np.save(folder / "labels.npy", labels)
    np.save(folder / "pred_probs.npy", pred_probs)
    service = Service(f"http://127.0.0.1:{start_server('--data-dir', folder).port}")
    files = {"labels": {"file": "labels.npy"}, "pred_probs": {"file": "pred_probs.npy"}, "read": "labelled"}
    answer = service.ask("POST", "/score", json=files, headers={"Accept": "application/json"})
    return dataclasses.replace(service, job=answer.json()["job"])


def other_review(browser, service):
    """A review whose job has no decisions that could be forgotten."""
    return contextlib.closing(Review(browser, service))


@pytest.mark.parametrize("view", ["", "/queue", "/sheet"])
def test_job_without_suggestions_says_so(browser, labelled_service, view):
    with other_review(browser, labelled_service) as review:
        tab = review.open(f"/jobs/{labelled_service.job}{view}")
        sync_api.expect(tab.get_by_role("heading", name="This job has no suggestions")).to_be_visible()
        sync_api.expect(tab.get_by_text("POST /score?read=all")).to_be_visible()
        # It has images that are suspect all the same.
        sync_api.expect(tab.locator(".thumbnails")).to_contain_text("image 1")
        tab.wait_for_load_state("networkidle")
        sync_api.expect(tab.locator(".thumbnail-link.failed")).to_have_count(0)
        review.check()


def mended_labels(tab):
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Mended labels, npz").click()
    with np.load(download.value.path()) as archive:
        return np.stack([archive[name] for name in archive.files])


@pytest.mark.parametrize(
    ("shape", "kind", "place"), [((12, 40, 48), "volumes", "0 slice 3"), ((200,), "sequences", "0")]
)
def test_volumes_and_sequences_are_reviewed(browser, service, shape, kind, place):
    labels, pred_probs = contradicted(shape)
    with reviewing(browser, service.send(labels, pred_probs)) as review:
        path = f"/jobs/{review.service.job}"
        tab = review.open(path)
        sync_api.expect(tab.locator(".limits")).to_contain_text(f"The images of this job are {kind}.")
        sync_api.expect(tab.locator(".matrix .cell")).to_have_count(1)
        sync_api.expect(tab.locator(".formats")).to_have_count(0)
        np.testing.assert_array_equal(mended_labels(tab), labels)
        review.open_queue()
        sync_api.expect(tab.locator(".facts dd").first).to_have_text(place)
        opaque(review)
        # The middle of the window shows the middle of the image.
        box = tab.locator(".stage").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        column, row = shape[-1] // 2 - 1, shape[-2] // 2 - 1 if len(shape) > 1 else 0
        step = box["width"] / (2 * shape[-1])
        found = review.read_pixel(int(x - step), int(y - (step if len(shape) > 1 else 0)))
        assert found == (column, row, 2, 0)
        review.press("w")
        review.wait_until_saved()
        review.open(path)
        mended = mended_labels(tab)
        assert set(mended[mended != labels]) == {0}
        review.open(f"{path}/sheet")
        sync_api.expect(tab.locator(".cell-button").first).to_be_visible()
        tab.wait_for_load_state("networkidle")
        sync_api.expect(tab.locator(".cell-button.failed")).to_have_count(0)


def test_image_larger_than_a_texture_is_drawn_in_tiles(browser, service, tmp_path):
    height, width, classes, block = 5000, 6000, 3, 200
    rows, columns = (np.arange(extent, dtype=np.uint32) // block for extent in (height, width))
    labels = ((columns + 2 * rows[:, None]) % classes).astype(np.uint8)
    predicted = labels.copy()
    # A region on both sides of where one tile of 4096 pixels ends and the next begins.
    region = slice(1010, 1190), slice(4010, 4190)
    predicted[region] = (predicted[region] + 1) % classes
    pred_probs = np.full((1, classes, height, width), 0.05, np.float16)
    np.put_along_axis(pred_probs, predicted[None, None].astype(np.int64), np.float16(0.9), 1)
    large = service.send(labels[None], pred_probs)
    del pred_probs
    with reviewing(browser, large) as review:
        tab = review.open_queue()
        assert large.regions()[0]["bbox"] == [4010, 1010, 180, 180]
        opaque(review)
        palette = review.swatches()
        stage = tab.locator(".stage").bounding_box()
        scale = min(stage["width"] / width, stage["height"] / height)
        # Two on either side of the seam, and one in each tile.
        places = {
            (column, row): (
                int(stage["x"] + stage["width"] / 2 + (column - width / 2) * scale),
                int(stage["y"] + stage["height"] / 2 + (row - height / 2) * scale),
            )
            for column, row in ((4050, 1100), (4150, 1100), (100, 300), (5900, 300), (300, 4300), (5900, 4900))
        }
        for (column, row), (x, y) in places.items():
            review.wait_until(lambda x=x, y=y: review.read_pixel(x, y), "the layers are there")
            assert np.abs(np.subtract(review.read_pixel(x, y)[:2], (column, row))).max() <= 2 / scale

        def drawn(name, wanted):
            tab.mouse.move(1, 1)
            pixels = review.screenshot()
            for (column, row), (x, y) in places.items():
                off = np.abs(pixels[y, x] - wanted[row, column]).max()
                assert off <= 2, f"{name} at {column}, {row}: {pixels[y, x]}"

        for key, array in (("1", labels), ("2", predicted)):
            review.press(key)
            drawn(key, np.array(palette)[array])
        # A picture of half the size lies under all tiles of the mask.
        picture = np.stack(np.broadcast_arrays(columns * 8, rows[:, None] * 10, 90), axis=-1).astype(np.uint8)
        PIL.Image.fromarray(picture[::2, ::2]).save(tmp_path / "picture.png")
        tab.get_by_label("Opacity").fill("0")
        tab.locator("input[type=file]").set_input_files(tmp_path)
        sync_api.expect(tab.get_by_text("All 1 images have a picture.")).to_be_visible()
        x, y = places[100, 300]
        review.wait_until(lambda: np.ptp(review.screenshot()[y, x]) > 20, "the picture is drawn")
        drawn("picture", picture)


def test_large_job_opens_within_few_requests(browser, service):
    """1,000 images with 20,000 regions: what is fetched must not grow with either."""
    images, classes, size, cell = 1000, 4, 64, 16
    rng = np.random.default_rng(5)
    truth = np.kron(rng.integers(0, classes, (images, 4, 4)), np.ones((cell, cell), int)).astype(np.uint8)
    labels = truth.copy()
    for place in range(20):
        row, column = place // 4 * 12 + 4, place % 4 * cell + 6
        truth[:, row : row + 4, column : column + 4] = truth[:, row, column][:, None, None]
        shift = rng.integers(1, classes, (images, 1, 1))
        labels[:, row : row + 4, column : column + 4] = (truth[:, row, column][:, None, None] + shift) % classes
    pred_probs = np.full((images, classes, size, size), 0.03, np.float16)
    np.put_along_axis(pred_probs, truth[:, None].astype(np.int64), np.float16(0.91), 1)
    large = service.send(labels, pred_probs)
    assert large.ask("GET", f"/jobs/{large.job}/regions?limit=1&min_thickness=2").json()["total"] == 20_000
    with reviewing(browser, large) as review:
        count = Traffic(review)
        review.open("/")
        sync_api.expect(review.tab.locator("tbody tr", has_text=large.job[:8])).to_contain_text("not begun")
        review.tab.wait_for_load_state("networkidle")
        assert count.requests <= 20
        assert count.bytes <= 3_000_000
        for path in ("", "/queue"):
            count.forget()
            review.open(f"/jobs/{large.job}{path}")
            sync_api.expect(review.tab.locator(".matrix, .stage[aria-busy='false']")).to_be_visible()
            review.tab.wait_for_load_state("networkidle")
            assert count.requests <= 20, count.urls
            assert count.bytes <= 3_000_000, count.urls


def test_front_door_asks_about_few_jobs(browser, start_server):
    one = Service(f"http://127.0.0.1:{start_server().port}")
    labels, pred_probs = contradicted((16, 16))
    begun = [one.send(labels, pred_probs) for _ in range(12)]
    for service in begun:
        service.decide(service.regions()[:1], "fine")
    with reviewing(browser, begun[0]) as review:
        count = Traffic(review)
        tab = review.open("/")
        sync_api.expect(tab.locator("tbody tr", has_text=begun[-1].job[:8])).to_contain_text("1 of 2")
        tab.wait_for_load_state("networkidle")
        sync_api.expect(tab.locator("tbody tr")).to_have_count(12)
        assert count.requests <= 20


class Traffic:
    """What a tab asks the server's jobs for, and how much comes back, as Chromium's own network log has it."""

    def __init__(self, review):
        self.session = review.context.new_cdp_session(review.tab)
        self.session.send("Network.enable")
        self.session.on("Network.responseReceived", self._note)
        self.session.on("Network.loadingFinished", self._add)
        self.forget()

    def forget(self):
        self.urls = {}
        self.bytes = 0

    @property
    def requests(self):
        return len(self.urls)

    def _note(self, event):
        if re.search(r"/jobs(/|\?|$)", event["response"]["url"]):
            self.urls[event["requestId"]] = event["response"]["url"]

    def _add(self, event):
        if event["requestId"] in self.urls:
            self.bytes += event["encodedDataLength"]


# Tablets


def touch(session, kind, *points):
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


UPRIGHT, LYING = {"width": 820, "height": 1180}, {"width": 1180, "height": 820}


@pytest.fixture(params=[UPRIGHT, LYING], ids=["upright", "lying"])
def tablet(request, browser, service):
    with reviewing(browser, service, viewport=request.param, has_touch=True, is_mobile=True) as review:
        yield review


def test_two_fingers_zoom_and_move(tablet):
    tab = tablet.open_queue()
    tablet.press("i")
    session = tablet.context.new_cdp_session(tab)
    box = tab.locator(".stage").bounding_box()
    x, y = int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2)
    column, row = tablet.read_pixel(x, y)[:2]

    def pinch(apart, across=0):
        return (x - apart + across, y), (x + apart + across, y)

    def wait_for_view(column, scale):
        """Waits until the address, which follows the view a moment later, has a middle and a scale."""

        def is_there():
            at = [float(number) for number in tablet.parameters.get("at", "0,0,0").split(",")]
            return abs(at[0] - column) <= 0.5 and at[2] == pytest.approx(scale, rel=0.01)

        tablet.wait_until(is_there, f"column {column} is in the middle, at {scale}, and not {tablet.parameters}")

    whole = min(box["width"], box["height"]) / 256
    touch(session, "touchStart", *pinch(60))
    for apart in range(60, 181, 20):
        touch(session, "touchMove", *pinch(apart))
    touch(session, "touchEnd")
    wait_for_view(128, 3 * whole)
    # What lay between the fingers is there still.
    found = tablet.read_pixel(x, y)
    assert abs(found[0] - column) <= 1
    assert abs(found[1] - row) <= 1
    touch(session, "touchStart", *pinch(60))
    for across in range(0, 61, 10):
        touch(session, "touchMove", *pinch(60, across))
    touch(session, "touchEnd")
    wait_for_view(128 - 60 / (3 * whole), 3 * whole)
    moved = tablet.read_pixel(x + 60, y)
    assert abs(moved[0] - column) <= 1
    assert tab.evaluate("visualViewport.scale") == 1


def test_one_finger_moves_the_image_and_not_the_page(tablet):
    tab = tablet.open_queue()
    session = tablet.context.new_cdp_session(tab)
    box = tab.locator(".stage").bounding_box()
    x, y = int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2)
    column, row = tablet.read_pixel(x, y)[:2]
    touch(session, "touchStart", (x, y))
    for step in range(10, 101, 10):
        touch(session, "touchMove", (x - step // 2, y - step))
    touch(session, "touchEnd")
    assert tab.evaluate("scrollY") == 0
    found = tablet.read_pixel(x - 50, y - 100)
    assert abs(found[0] - column) <= 1
    assert abs(found[1] - row) <= 1


def test_fingers_can_press_everything(tablet):
    tab = tablet.open_queue()
    height = tab.viewport_size["height"]
    for name in ("Wrong", "Other…", "Fine", "Unsure", "Back", "Skip", "Note", "Undo"):
        box = tab.locator(".region").get_by_role("button", name=name).bounding_box()
        assert box["y"] + box["height"] <= height, f"{name} lies beyond the window"
    job = f"/jobs/{tablet.service.job}"
    for path, selector in (("/", "tbody tr"), (job, ".matrix"), (f"{job}/queue", ".legend li"), (f"{job}/sheet", "li")):
        tablet.open(path)
        tab.locator(selector).first.wait_for()
        small = tab.evaluate(TOO_SMALL)
        assert small == [], path


# Controls that a finger has to hit and of which a side is shorter than 44 px. A label is pressed for what it holds.
TOO_SMALL = """
() => [...document.querySelectorAll("button, select, a.button, tbody a, .formats a, label:has(input), input")]
  .filter((one) => one.checkVisibility() && !one.matches("label input, .hidden-text"))
  .map((one) => [one.textContent.trim() || one.tagName, one.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 || box.width < 43.5)
  .map(([text, box]) => `${text}: ${box.width} × ${box.height}`)
"""


def test_fingers_give_verdicts(tablet):
    regions = tablet.service.regions()
    tab = tablet.open_queue()
    tab.get_by_role("button", name="Wrong").tap()
    tablet.wait_for_parameter("region", regions[1]["id"])
    tablet.wait_until_saved()
    assert [decision["verdict"] for decision in tablet.service.decisions()] == ["wrong"]


# Who may see it


def test_key_opens_the_gate(browser, locked_service):
    with reviewing(browser, locked_service) as review:
        review.may_fail = "Failed to load resource"
        tab = review.open()
        field = tab.get_by_label("Key", exact=True).last
        field.fill("not-the-key-of-this-server")
        tab.get_by_role("button", name="Go on").click()
        sync_api.expect(tab.get_by_text("The server does not take that key.")).to_be_visible()
        tab.get_by_label("Key", exact=True).last.fill(KEY)
        tab.get_by_role("button", name="Go on").click()
        sync_api.expect(tab.locator("tbody tr", has_text=locked_service.job[:8])).to_be_visible()
        assert tab.evaluate("Object.values(localStorage).join() + document.cookie") == ""
        # The whole way works with a key: arrays, verdicts and downloads.
        review.open_queue()
        review.press("w")
        review.wait_until_saved()
        review.open(f"/jobs/{locked_service.job}")
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Mended masks").click()
        assert pathlib.Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_downloads(review):
    review.open_queue()
    review.press("w")
    review.wait_until_saved()
    tab = review.open(f"/jobs/{review.service.job}")
    with tab.expect_download() as masks:
        tab.get_by_role("button", name="Mended masks").click()
    assert pathlib.Path(masks.value.path()).read_bytes()[:2] == b"PK"
    with tab.expect_download() as table:
        tab.get_by_role("button", name="Decisions, CSV").click()
    lines = pathlib.Path(table.value.path()).read_text().splitlines()
    assert len(lines) == 2


def saved(tab, link):
    """The files of the archive that a link saves, by their names."""
    with tab.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def exported(service, name, content):
    query = f"format={name}&content={content}" + ("&of=label_issues" if content == "regions" else "")
    with zipfile.ZipFile(io.BytesIO(service.ask("GET", f"/jobs/{service.job}/export?{query}").content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("content", ["mended", "given", "regions"])
def test_exports_are_those_of_the_server(review, content):
    review.service.decide(review.service.regions()[:3], "wrong")
    tab = review.open(f"/jobs/{review.service.job}")
    tab.locator(".exports select").select_option(content)
    links = tab.locator(".formats a")
    formats = [re.search(r"format=([a-z-]+)", href).group(1) for href in links.evaluate_all("all => all.map(String)")]
    assert sorted(formats) == [
        *("coco", "cvat", "cvat-mask", "datumaro", "fiftyone", "geojson", "label-studio", "labelme")
    ]
    for link, name in zip(links.all(), formats, strict=True):
        files = saved(tab, link)
        assert files == exported(review.service, name, content)
        assert files


def test_export_shows_the_key(browser, locked_service):
    with reviewing(browser, locked_service) as review:
        tab = review.open()
        review.may_fail = "Failed to load resource"
        tab.get_by_label("Key", exact=True).last.fill(KEY)
        tab.get_by_role("button", name="Go on").click()
        sync_api.expect(tab.locator("tbody tr", has_text=locked_service.job[:8])).to_be_visible()
        review.open(f"/jobs/{locked_service.job}")
        assert saved(tab, tab.get_by_role("link", name="LabelMe")) == exported(locked_service, "labelme", "mended")


HOSTILE = '<img src=x onerror="alert(1)">\u202egnp.fdp\n2nd line'


def test_hostile_names_are_text(review):
    job = review.service.job
    tab = review.tab

    def with_names(route):
        document = route.fetch().json()
        document["links"]["names"] = f"/jobs/{job}/names"
        document["parameters"]["class_names"] = [HOSTILE, "<b>road</b>"]
        route.fulfill(json=document)

    def with_name(route):
        document = route.fetch().json()
        for region in document["regions"]:
            region["name"] = HOSTILE
        route.fulfill(json=document)

    tab.route(f"**/jobs/{job}", with_names)
    tab.route(f"**/jobs/{job}/names", lambda route: route.fulfill(json=[HOSTILE] * 12))
    tab.route(re.compile(f"/jobs/{job}/regions\\?"), with_name)
    tab.on("dialog", lambda dialog: pytest.fail(f"a name ran: {dialog.message}"))
    review.open(f"/jobs/{job}")
    sync_api.expect(tab.locator(".matrix")).to_contain_text("<b>road</b>")
    sync_api.expect(tab.locator(".thumbnails")).to_contain_text('<img src=x onerror="alert(1)">▯gnp.fdp▯2nd line')
    review.open_queue()
    sync_api.expect(tab.locator(".facts")).to_contain_text('<img src=x onerror="alert(1)">▯gnp.fdp▯2nd line')
    review.open(f"/jobs/{job}/sheet")
    sync_api.expect(tab.locator(".cell-button").first).to_contain_text("<img src=x")
    assert tab.locator("main img, main b").count() == 0


# What stands behind it

READ_NPY = """
async (bytes) => {
  const { parseNpy } = await import("/page/npy.js");
  const { values, shape } = parseNpy(Uint8Array.from(bytes).buffer);
  return { values: Array.from(values), shape };
}
"""


@pytest.mark.parametrize("dtype", ["?", "u1", "u2", "u4", "i2", "i8", "f4", "f8"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_npy_is_read_as_numpy_reads_it(module_tab, dtype, version):
    array = (np.arange(24) * 7 % 5).reshape(2, 3, 4).astype(dtype)
    read = module_tab.evaluate(READ_NPY, list(npy(array, version)))
    assert read == {"values": array.astype(float).ravel().tolist(), "shape": [2, 3, 4]}


@pytest.mark.parametrize(("hits", "total", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 5, 0, 0.4345), (0, 0, 0, 1)])
def test_wilson(module_tab, hits, total, low, high):
    script = "async ([hits, total]) => (await import('/page/statistics.js')).wilson(hits, total)"
    found = module_tab.evaluate(script, [hits, total])
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-4)


def test_mistakes_left_use_the_rate_of_the_pair_else_of_all(module_tab):
    script = """async ([cells, verdicts]) => (await import("/page/statistics.js")).estimates(cells, verdicts)"""
    cells = [{"given": 0, "suggested": k, "regions": 10, "mass": 1} for k in (1, 2)]
    verdicts = [{"given": 0, "suggested": 1, "wrong": 3, "fine": 1, "unsure": 2}]
    found = module_tab.evaluate(script, [cells, verdicts])
    assert [pair["undecided"] for pair in found["pairs"]] == [4, 10]
    assert [pair["expected"] for pair in found["pairs"]] == [3, 7.5]
    assert found["all"]["expected"] == 10.5


# For everybody


def test_keyboard_alone_is_enough(review):
    tab = review.open()
    sync_api.expect(tab.locator("tbody tr", has_text=review.service.job[:8])).to_be_visible()
    tab.locator("tbody tr", has_text=review.service.job[:8]).get_by_role("link").focus()
    review.press("Enter")
    button = tab.get_by_role("link", name="Begin the review")
    sync_api.expect(button).to_be_visible()
    button.focus()
    review.press("Enter")
    review.wait_for_region()
    review.press("?")
    dialog = tab.get_by_role("dialog", name="Keys")
    sync_api.expect(dialog).to_contain_text("wrong: the suggestion is right")
    review.press("Escape")
    sync_api.expect(dialog).to_have_count(0)
    review.press("w")
    review.wait_until_saved()
    assert len(review.service.decisions()) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, service, scheme):
    axe = Axe()
    # axe is written into the page, which the page's own policy forbids.
    with reviewing(browser, service, color_scheme=scheme, bypass_csp=True) as review:
        job = f"/jobs/{service.job}"
        regions = service.regions()
        service.decide(regions[:1], "wrong", "Ann", note="a van, no car")
        service.decide(regions[:1], "fine", "Bob")
        service.decide(service.regions(given=2, suggested=1), "unsure")
        for path, selector in (
            ("/", "tbody tr"),
            (job, ".matrix"),
            (job, ".formats a"),
            (f"{job}/queue", ".statements li"),
            (f"{job}/queue?given=2&suggested=1", ".stage-message button"),
            (f"{job}/sheet", ".cell-button"),
        ):
            tab = review.open(path)
            tab.locator(selector).first.wait_for()
            results = axe.run(tab, options={"resultTypes": ["violations"]})
            found = [
                (violation["id"], [node["target"] for node in violation["nodes"]][:3])
                for violation in results.response["violations"]
            ]
            assert found == [], json.dumps(found, indent=1)
