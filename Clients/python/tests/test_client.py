"""The client, its jobs, and data sets that come in batches."""

import pickle

import numpy as np
import pytest
import scipy.ndimage

import access
import segscore
from conftest import sample
from segscore.segmentation import rank
from server import eventually

NAMES = ["ground", "road, paved", "house", " tree"]


@pytest.fixture
def job(client, arrays):
    return client.submit(*arrays, method="num_pixel_issues", threshold=0.25).wait(20)


def test_scores_are_all_that_the_job_has(client, arrays):
    labels, pred_probs = arrays
    softmin = client.score(labels, pred_probs, temperature=0.5)
    assert softmin.issues is None and softmin.label_issues is None
    own = np.take_along_axis(pred_probs, labels[:, None].astype(int), axis=1)[:, 0]
    assert softmin.pixel_scores.dtype == np.float32 and softmin.image_scores.dtype == np.float64
    np.testing.assert_array_equal(softmin.pixel_scores, own)
    found = client.score(labels, pred_probs.astype(float), method="num_pixel_issues", downsample=2, threshold=0.25)
    assert found.pixel_scores.dtype == np.float64
    np.testing.assert_array_equal(found.issues, own < 0.25)
    np.testing.assert_array_equal(found.image_scores, 1 - found.label_issues.mean(axis=(1, 2)))
    assert found.job.document()["parameters"] == {
        "method": "num_pixel_issues",
        "temperature": 0.1,
        "downsample": 2,
        "threshold": 0.25,
        "ignore_label": None,
    }


@pytest.mark.parametrize("ignore_label", [None, 2])
def test_margins_are_squared_and_summed_where_the_model_contradicts(client, small_client, ignore_label):
    """By the formula, with SciPy's erosion for the rims that do not count."""
    labels, pred_probs = sample(7, 4, 24, 18)
    labels[:3, 5:16, 2:14] = (labels[:3, 5:16, 2:14] + 1) % 4  # Mistakes that are more than a rim.
    own, largest = np.take_along_axis(pred_probs, labels[:, None].astype(int), axis=1)[:, 0], pred_probs.max(axis=1)
    margins = np.log(np.maximum(largest, 1e-3).astype(float) / np.maximum(own, 1e-3)) ** 2
    kept = labels != (-1 if ignore_label is None else ignore_label)
    contradicts = (pred_probs.argmax(axis=1) != labels) & kept
    inner = np.stack([scipy.ndimage.binary_erosion(each, np.ones((3, 3)), border_value=1) for each in contradicts])
    expected = 1 / (1 + (margins * inner).sum(axis=(1, 2)) / kept.sum(axis=(1, 2)))
    assert len(set(expected)) > 3

    issues = client.score(labels, pred_probs, method="num_pixel_issues", ignore_label=ignore_label).label_issues
    for each in (client, small_client):
        scores = each.score(labels, pred_probs, method="margin", ignore_label=ignore_label, threshold=0.25)
        np.testing.assert_allclose(scores.image_scores, expected, rtol=1e-6)  # The logarithm of float32.
        np.testing.assert_array_equal(scores.label_issues, issues)
        np.testing.assert_array_equal(scores.issues, scores.pixel_scores < 0.25)
    reduced = client.reduce(labels, pred_probs, ignore_label=ignore_label)
    again = client.score(labels, **reduced._asdict(), classes=4, method="margin", ignore_label=ignore_label)
    np.testing.assert_array_equal(again.image_scores, scores.image_scores)
    with client.dataset(method="margin", ignore_label=ignore_label) as dataset:
        for label, probs in zip(labels, pred_probs):
            dataset.add(label, probs)
    np.testing.assert_array_equal(dataset.job.image_scores(), scores.image_scores)
    np.testing.assert_array_equal(dataset.job.label_issues(), issues)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_margins_are_a_method_of_ranks(client, dtype, recwarn):
    labels, pred_probs = sample(7, 4, 24, 18, dtype)
    expected = client.score(labels, pred_probs, method="margin", downsample=2)
    images, pixels = rank.get_label_quality_scores(labels, pred_probs, method="margin", downsample=2, verbose=False)
    np.testing.assert_array_equal(images, expected.image_scores)
    np.testing.assert_array_equal(pixels, expected.pixel_scores, strict=True)
    assert pixels.dtype == dtype and not recwarn.list


def test_a_job_is_asked_for_its_parts(job, client, arrays):
    labels, pred_probs = arrays
    masks, pixels = job.label_issues(), job.pixel_scores()
    for image in (0, 6):
        np.testing.assert_array_equal(job.label_issues(image), masks[image])
        np.testing.assert_array_equal(job.pixel_scores(image), pixels[image])
    np.testing.assert_array_equal(job.issues(), pixels < 0.25)
    np.testing.assert_array_equal(job.issues(3, threshold=0.5), pixels[3] < 0.5)
    likeliest = pred_probs.argmax(axis=1)
    np.testing.assert_array_equal(job.label_issues(class_index=2), masks & ((labels == 2) | (likeliest == 2)))
    assert job.pixel_scores(dtype=np.float64).dtype == np.float64
    ranking = job.ranking(limit=3)
    assert [row.image for row in ranking] == np.argsort(job.image_scores(), kind="stable")[:3].tolist()
    assert ranking[0].num_pixel_issues == masks[ranking[0].image].sum()
    assert job.statistics()["num_pixels"] == labels.size
    assert job.progress() == segscore.Progress("succeeded", 7, 7, 1.0)
    assert client.job(job.id).status == "succeeded" and job.id in [each.id for each in client.jobs()]


def test_a_summary_has_any_names(job):
    plain = job.summary()
    assert plain and plain == sorted(plain, key=lambda pair: -pair.num_pixel_issues)
    named = job.summary(class_names=NAMES, top=2)
    assert [(pair.given_label, pair.predicted_label) for pair in named] == [
        (NAMES[int(pair.given_label)], NAMES[int(pair.predicted_label)]) for pair in plain[:2]
    ]
    assert all(pair.predicted_label not in ("0", "3") for pair in job.summary(exclude=[0, 3]))


def test_results_wait_for_the_end(client, arrays):
    job = client.submit(*arrays)
    assert job.image_scores().shape == (7,)


def test_images_are_counted_while_they_go_out(client, small_client, arrays):
    for each in (client, small_client):
        counted = []
        each.score(*arrays, on_images=counted.append)
        assert counted[-1] == 7 and counted == sorted(counted)


def test_a_deleted_job_is_gone(job, client):
    job.delete()
    job.delete()
    with pytest.raises(segscore.SegscoreError) as caught:
        client.job(job.id)
    assert caught.value.status == 404 and caught.value.type == "urn:segscore:unknown-job"


# Data sets in batches


def test_a_loop_adds_batches(client, arrays):
    labels, pred_probs = arrays
    with client.dataset(method="num_pixel_issues", threshold=0.25) as dataset:
        assert dataset.add(labels[:3], pred_probs[:3]) == 0
        assert dataset.add(labels[3], pred_probs[3]) == 3
        assert dataset.add(labels[4:], pred_probs[4:]) == 4
        assert dataset.images == 7 and dataset.job.status == "open"
    whole = client.score(labels, pred_probs, method="num_pixel_issues", threshold=0.25)
    np.testing.assert_array_equal(dataset.job.label_issues(), whole.label_issues)
    np.testing.assert_array_equal(dataset.job.issues(), whole.issues)


def test_a_batch_may_be_changed_once_it_was_added(client, arrays):
    labels, pred_probs = (array.copy() for array in arrays)
    expected = client.score(labels, pred_probs).image_scores
    with client.dataset() as dataset:
        for image in range(7):
            dataset.add(labels[image], pred_probs[image])
            labels[image], pred_probs[image] = 0, 0
    np.testing.assert_array_equal(dataset.job.image_scores(), expected)


def test_a_wrong_batch_is_refused_and_the_others_stay(client, arrays):
    labels, pred_probs = arrays
    with client.dataset() as dataset:
        dataset.add(labels[:2], pred_probs[:2])
        for wrong in ((labels[:1] + 9, pred_probs[:1]), (labels[:1], pred_probs[:1] * 2), (labels[:1], pred_probs[:2])):
            with pytest.raises(ValueError):
                dataset.add(*wrong)
        dataset.add(labels[2:], pred_probs[2:])
    np.testing.assert_array_equal(dataset.job.image_scores(), client.score(labels, pred_probs).image_scores)


def test_an_exception_cancels_the_job(client, arrays):
    with pytest.raises(KeyboardInterrupt), client.dataset() as dataset:
        dataset.add(*arrays)
        raise KeyboardInterrupt
    assert dataset.job.status == "canceled"
    with pytest.raises(segscore.JobEndedError, match="canceled"):
        dataset.job.image_scores()


def test_a_data_set_without_images_is_an_error(client):
    with pytest.raises(segscore.SegscoreError) as caught, client.dataset() as dataset:
        pass
    assert caught.value.type == "urn:segscore:no-batches" and dataset.job.status == "canceled"


def test_an_open_job_is_not_waited_for(client, arrays):
    with client.dataset() as dataset:
        dataset.add(*arrays)
        with pytest.raises(segscore.SegscoreError) as caught:
            dataset.job.image_scores()
        assert caught.value.type == "urn:segscore:job-not-finished"
        with pytest.raises(TimeoutError):
            dataset.job.wait(0.1)


# Errors


def test_errors_carry_the_problem(client, arrays):
    with pytest.raises(ValueError) as caught:
        client.score(arrays[0] + 1, arrays[1])
    error = caught.value
    assert isinstance(error, segscore.InvalidInputError) and isinstance(error, segscore.SegscoreError)
    assert (error.status, error.type, error.parameter) == (422, "urn:segscore:label-out-of-range", "labels")
    assert error.title and "4" in str(error.actual) and error.expected and error.detail in str(error)
    error.args = (*error.args, "a note of whoever hands it on")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and copy.problem == error.problem and str(copy) == str(error)
    with pytest.raises(ValueError, match="threshold"):
        client.score(*arrays, threshold=2)


def test_no_server_is_a_connection_error(tmp_path):
    for url in ("http://127.0.0.1:1", f"unix:{tmp_path}/none"):
        with pytest.raises(ConnectionError) as caught:
            segscore.Client(url, retries=0).version()
        assert isinstance(caught.value, segscore.UnreachableError) and url in str(caught.value)
        assert caught.value.status is None


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://host", "http://", "http://key@host"])
def test_other_urls_are_refused(url):
    with pytest.raises(ValueError):
        segscore.Client(url)


# Ways to the server


def test_a_unix_socket(server, arrays, monkeypatch):
    expected = rank.get_label_quality_scores(*arrays, verbose=False)
    segscore.configure(server.socket_url)
    found = rank.get_label_quality_scores(*arrays, verbose=False)
    np.testing.assert_array_equal(found[0], expected[0])
    monkeypatch.setenv("SEGSCORE_URL", server.socket_url.replace("unix:/", "unix:///"))
    assert segscore.Client().version() == segscore.Client(server.url).version()


def test_a_key_and_a_certificate(start_server, tmp_path, arrays, monkeypatch):
    certificate, key = access.make_certificate(tmp_path)
    keys = access.write_keys(tmp_path / "keys", *access.KEYS)
    server = start_server("--tls-cert", certificate, "--tls-key", key, "--api-key-file", keys)
    url = f"https://127.0.0.1:{server.port}/"
    scores = segscore.Client(url, api_key=access.KEYS[0], verify=certificate).score(*arrays)
    assert scores.image_scores.shape == (7,)

    for wrong in (None, "another-key-0123456789"):
        with pytest.raises(segscore.SegscoreError) as caught:
            segscore.Client(url, api_key=wrong, verify=certificate).score(*arrays)
        assert caught.value.status == 401 and not isinstance(caught.value, ValueError)
    with pytest.raises(segscore.UnreachableError, match="certificate"):
        segscore.Client(url, api_key=access.KEYS[0]).version()

    monkeypatch.setenv("SEGSCORE_URL", url)
    monkeypatch.setenv("SEGSCORE_API_KEY", access.KEYS[1])
    monkeypatch.setenv("SEGSCORE_CA", str(certificate))
    assert rank.get_label_quality_scores(*arrays, verbose=False)[0].shape == (7,)
    assert access.KEYS[1] not in repr(segscore.default_client())
    with pytest.warns(Warning, match="Unverified"):
        segscore.Client(verify=False).version()


def test_a_server_may_go_away_between_requests(start_server, arrays):
    """Connections are kept, and the server closes those that are silent."""
    server = start_server("--idle-timeout", "1")
    client = segscore.Client(f"http://127.0.0.1:{server.port}")
    first = client.score(*arrays).image_scores
    eventually(
        lambda: not client._transport._pool_at(client._transport.url).pool.queue[-1].is_connected,
        "the connection is closed",
    )
    np.testing.assert_array_equal(client.score(*arrays).image_scores, first)


def test_larger_data_sets_are_batches(small_client, arrays):
    labels, pred_probs = sample(9, 3, 40, 20, seed=4)
    job = small_client.submit(labels, pred_probs)
    assert job.wait().document()["shape"] == {"images": 9, "classes": 3, "height": 40, "width": 20}


# Labels that are no classes yet


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues", "margin"])
@pytest.mark.parametrize(
    "raw, options",
    [
        (lambda y: np.where(y == 3, -1, y), {"ignore_label": [255, -1]}),
        (lambda y: np.where(y == 3, -1, y), {"ignore_label": (np.int64(-1),)}),
        (lambda y: np.where(y == 3, 0, y + 1), {"reduce_zero_label": True}),
        (lambda y: np.where(y == 3, 0, y + 1), {"label_map": "ade20k"}),
        (lambda y: y + 100, {"label_offset": -100, "ignore_label": 103}),
        (lambda y: y * 7, {"label_map": {0: 0, 7: 1, np.int16(14): np.int32(2), 21: None}}),
    ],
)
def test_labels_become_classes(client, small_client, arrays, raw, options, method):
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs, ignore_label=3, method=method)
    labels = raw(labels.astype(np.int16))
    for each in (client, small_client):
        found = each.score(labels, pred_probs, method=method, **options)
        np.testing.assert_array_equal(found.image_scores, expected.image_scores)
        np.testing.assert_array_equal(found.pixel_scores, expected.pixel_scores)
    job = client.submit(labels, pred_probs, only_labelled=True, method=method, wait=True, **options)
    np.testing.assert_array_equal(job.image_scores(), expected.image_scores)
    with client.dataset(method=method, **options) as dataset:
        for label, probs in zip(labels, pred_probs):
            dataset.add(label, probs)
    np.testing.assert_array_equal(dataset.job.image_scores(), expected.image_scores)


def test_a_label_that_is_no_number_is_a_type_error(client, arrays):
    for options in ({"ignore_label": "255"}, {"ignore_label": [0.5]}, {"label_map": {"car": 1}}):
        with pytest.raises(TypeError):
            client.score(*arrays, **options)
