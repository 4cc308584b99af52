"""What notebooks show of scores and jobs."""

import base64
import html.parser
import io

import numpy as np
import PIL.Image
import pytest

import segscore
from conftest import ROOT

LABELS = np.load(ROOT / "Examples/sample/labels.npy")
PROBS = np.load(ROOT / "Examples/sample/pred_probs.npy")


class Page(html.parser.HTMLParser):
    """The pictures, links and words of some HTML, in which every element that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.pictures, self.links, self.words, self._open = {}, [], "", []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            head, _, data = attributes["src"].partition(",")
            assert head == "data:image/png;base64"
            picture = PIL.Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
            picture.load()
            self.pictures[attributes["alt"]] = np.asarray(picture)
        elif tag != "br":
            self._open.append(tag)
        if tag == "a":
            self.links.append(attributes["href"])

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_the_worst_images_are_shown_with_their_scores_and_issues(client):
    scores = client.score(LABELS, PROBS, method="num_pixel_issues")
    page = Page(scores._repr_html_())
    worst = np.argsort(scores.image_scores, kind="stable")[:6]
    assert list(page.pictures) == [f"{kind} of {image}" for image in worst for kind in ("scores", "issues")]
    for image in worst:
        assert f"{scores.image_scores[image]:.4f}" in page.words
        assert f"{np.count_nonzero(scores.label_issues[image]):,} issues" in page.words
        heat, issues = page.pictures[f"scores of {image}"], page.pictures[f"issues of {image}"]
        assert heat.shape == issues.shape == (128, 128, 3)
        blocks = scores.label_issues[image].reshape(128, 2, 128, 2).any(axis=(1, 3))
        assert np.array_equal(issues[..., 0] > 100, blocks)
        lowest = scores.pixel_scores[image].reshape(128, 2, 128, 2).min(axis=(1, 3))
        order = np.argsort(lowest, axis=None)
        brightness = heat.sum(axis=-1).reshape(-1)
        assert brightness[order[0]] == brightness.max() and brightness[order[-1]] == brightness.min()
    assert "12 images, the worst 6" in page.words


def test_jobs_show_the_same_and_where_they_are(client, server):
    job = client.score(LABELS, PROBS, method="num_pixel_issues").job
    page = Page(job._repr_html_())
    assert page.links == [f"{server.url}/jobs/{job.id}/ranking"]
    assert list(page.pictures) == list(
        Page(client.score(LABELS, PROBS, method="num_pixel_issues")._repr_html_()).pictures
    )
    job = client.score(LABELS, PROBS).job
    page = Page(job._repr_html_())
    for each in job.ranking(6):
        assert f"{each.score:.4f}" in page.words and f"{each.num_pixel_issues:,} issues" in page.words


def test_jobs_that_have_not_succeeded_say_how_far_they_are(client):
    with client.dataset() as dataset:
        dataset.add(LABELS[:2], PROBS[:2])
        assert f"Job {dataset.job.id}: open, 2 images" == dataset.job._repr_html_()


def test_on_a_unix_socket_there_is_no_link(server):
    with segscore.Client(server.socket_url) as client:
        assert Page(client.score(LABELS, PROBS)._repr_html_()).links == []


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_all_shapes_are_shown(client, threshold):
    volume = np.stack([LABELS[0], LABELS[1]]), np.stack([PROBS[0], PROBS[1]], axis=1)
    data = {
        "one image": (LABELS[0], PROBS[0]),
        "several sizes": ([LABELS[0], LABELS[1, :100]], [PROBS[0], PROBS[1, :, :100]]),
        "a volume": (volume[0][None], volume[1][None]),
        "a pixel": (LABELS[:1, :1, :1], PROBS[:1, :, :1, :1]),
        "a line": (LABELS[:1, :1], PROBS[:1, :, :1]),
    }
    for labels, pred_probs in data.values():
        page = Page(client.score(labels, pred_probs, threshold=threshold)._repr_html_())
        assert len(page.pictures) == len(labels if isinstance(labels, list) else [0]) * (1 if threshold is None else 2)
        assert all(max(picture.shape) <= 128 for picture in page.pictures.values())
    first, second = Page(client.score(*data["several sizes"])._repr_html_()).pictures.values()
    assert {first.shape, second.shape} == {(128, 128, 3), (50, 128, 3)}


def test_names_are_text(client, tmp_path):
    for folder, arrays in (("masks", LABELS), ("probs", PROBS)):
        (tmp_path / folder).mkdir()
        for image in range(2):
            np.save(tmp_path / folder / f"<b>&{image}.npy", arrays[image])
    page = client.score(tmp_path / "masks", tmp_path / "probs")._repr_html_()
    assert "&lt;b&gt;&amp;0" in page and "<b>&0" not in page
    assert set(Page(page).pictures) == {"scores of <b>&0", "scores of <b>&1"}
