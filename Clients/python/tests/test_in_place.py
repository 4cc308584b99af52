"""Arrays that stay in this process's memory, and mapped files, which a server on the same machine reads there."""

import mmap
import multiprocessing
import os
import threading

import numpy as np
import pytest

import segscore
from segscore._form import Form
from segscore.segmentation import filter, rank

RANDOM = np.random.default_rng(5)
PROBS = RANDOM.random((6, 5, 40, 24), np.float32)
PROBS /= PROBS.sum(axis=1, keepdims=True)
LABELS = RANDOM.integers(0, 5, (6, 40, 24)).astype(np.uint8)


@pytest.fixture(scope="module")
def socket_url(start_server, tmp_path_factory):
    """A server that reads the memory of its clients."""
    path = tmp_path_factory.mktemp("socket") / "s"
    start_server("--allow-client-memory", listen=("127.0.0.1:0", f"unix:{path}"))
    return f"unix:{path}"


@pytest.fixture
def near(socket_url):
    with segscore.Client(socket_url) as client:
        yield client


@pytest.fixture
def sends(monkeypatch):
    """The forms that have been sent since the test began."""
    sent = []
    pieces = Form.__iter__
    monkeypatch.setattr(Form, "__iter__", lambda form: sent.append(form) or pieces(form))
    return sent


def same(scores, others):
    assert scores.image_scores.tolist() == others.image_scores.tolist()
    pixels, expected = scores.pixel_scores, others.pixel_scores
    for first, second in zip(pixels, expected) if isinstance(pixels, list) else [(pixels, expected)]:
        assert np.array_equal(first, second) and first.dtype == second.dtype


FORMS = {
    "float32": (LABELS, PROBS),
    "float16": (LABELS, PROBS.astype(np.float16)),
    "float64": (LABELS.astype(np.int64), PROBS.astype(np.float64)),
    "bool labels": (LABELS > 2, PROBS[:, :2] / PROBS[:, :2].sum(axis=1, keepdims=True)),
    "Fortran order": (np.asfortranarray(LABELS), np.asfortranarray(PROBS)),
    "one image": (LABELS[0], PROBS[0]),
    "lists": (list(LABELS), list(PROBS)),
    "one-hot": (np.ascontiguousarray(np.moveaxis(np.eye(5, dtype=np.uint8)[LABELS], -1, 1)), PROBS),
    "another order of bytes": (LABELS, PROBS.astype(">f4")),
    "part of an array": (LABELS[2:5], PROBS[2:5]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_scores_are_those_of_arrays_that_are_sent(near, client, sends, form, method):
    labels, pred_probs = FORMS[form]
    scores = near.score(labels, pred_probs, method=method)
    assert sends == []
    same(scores, client.score(labels, pred_probs, method=method))
    assert len(sends) == 1


def test_logits_and_reduced_arrays_stay_too(near, client, sends):
    logits = np.log(PROBS)
    scores, reduced = near.score(LABELS, logits=logits), near.reduce(LABELS, PROBS)
    given = near.score(LABELS, own=reduced.own, largest=reduced.largest, predicted=reduced.predicted, classes=5)
    assert sends == []
    same(scores, client.score(LABELS, logits=logits))
    same(given, client.score(LABELS, PROBS))


def test_batches_stay_too(socket_url, client, sends):
    with segscore.Client(socket_url, batch_bytes=20_000) as near:
        scores = near.score(LABELS, PROBS)
        sizes = near.score([LABELS[0], LABELS[1, :8]], [PROBS[0], PROBS[1, :, :8].copy()])
        with near.dataset() as dataset:
            dataset.add(LABELS, PROBS)
        assert dataset.job.image_scores().tolist() == scores.image_scores.tolist()
        assert sends == []
    same(scores, client.score(LABELS, PROBS))
    same(sizes, client.score([LABELS[0], LABELS[1, :8]], [PROBS[0], PROBS[1, :, :8].copy()]))


@pytest.mark.parametrize(
    "labels, pred_probs",
    [
        (LABELS, PROBS[:, ::-1]),
        (LABELS, PROBS.astype(np.longdouble)),
        ([LABELS[0], LABELS[1]], [PROBS[0], PROBS[1, :, ::-1]]),
    ],
    ids=["backwards", "long double", "list"],
)
def test_what_would_have_to_be_converted_is_sent(near, client, sends, labels, pred_probs):
    scores = near.score(labels, pred_probs)
    assert len(sends) == 1
    same(scores, client.score(labels, pred_probs))


def test_a_job_that_nobody_waits_for_is_sent(near, client, sends):
    probs = PROBS.copy()
    job = near.submit(LABELS, probs)
    probs[:] = 0.2
    assert len(sends) == 1
    assert job.image_scores().tolist() == client.score(LABELS, PROBS).image_scores.tolist()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_mapped_files_are_read_as_files(near, client, sends, tmp_path, mode):
    np.save(tmp_path / "probs.npy", PROBS)
    mapped = np.load(tmp_path / "probs.npy", mmap_mode=mode)
    before = os.listdir("/proc/self/fd")
    scores = near.score(LABELS[1:], mapped[1:])
    assert sends == [] and len(os.listdir("/proc/self/fd")) <= len(before) + 1
    same(scores, client.score(LABELS[1:], PROBS[1:]))


def test_what_was_written_to_a_copy_on_write_mapping_is_scored(near, client, tmp_path):
    np.save(tmp_path / "probs.npy", PROBS)
    mapped = np.load(tmp_path / "probs.npy", mmap_mode="c")
    mapped[0] = 0.2
    same(near.score(LABELS, mapped), client.score(LABELS, np.array(mapped)))


def test_a_mapped_file_that_has_another_name_by_now_is_sent(near, client, sends, tmp_path):
    np.save(tmp_path / "probs.npy", PROBS)
    mapped = np.load(tmp_path / "probs.npy", mmap_mode="r")
    np.save(tmp_path / "other.npy", PROBS[:, ::-1])
    os.replace(tmp_path / "other.npy", tmp_path / "probs.npy")
    scores = near.score(LABELS, mapped)
    assert len(sends) == 1
    same(scores, client.score(LABELS, PROBS))


def test_memory_that_other_processes_share_is_read(near, client, sends):
    memory = mmap.mmap(-1, PROBS.nbytes)
    shared = np.frombuffer(memory, np.float32).reshape(PROBS.shape)
    shared[:] = PROBS
    same(near.score(LABELS, shared), client.score(LABELS, PROBS))


def test_a_server_that_does_not_read_memory_is_asked_once(server, client, sends, monkeypatch):
    from segscore._in_place import InPlace

    asked = []
    pieces = InPlace.__iter__
    monkeypatch.setattr(InPlace, "__iter__", lambda body: asked.append(body) or pieces(body))
    with segscore.Client(server.socket_url) as far:
        for _ in range(3):
            same(far.score(LABELS, PROBS), client.score(LABELS, PROBS))
    assert len(asked) == 1


def test_over_tcp_arrays_are_sent(client, sends):
    client.score(LABELS, PROBS)
    assert len(sends) == 1


def test_mistakes_are_told_as_of_arrays_that_are_sent(near, sends):
    labels = LABELS.copy()
    labels[1, 2, 3] = 9
    with pytest.raises(segscore.InvalidInputError, match="9"):
        near.score(labels, PROBS)
    probs = PROBS.copy()
    probs[3, 2, 1, 0] = 7
    with pytest.raises(segscore.InvalidInputError, match="7"):
        near.score(LABELS, probs)
    assert sends == []


def test_the_functions_of_cleanlab_leave_arrays_where_they_are(socket_url, sends):
    segscore.configure(socket_url)
    rank.get_label_quality_scores(LABELS, PROBS, verbose=False)
    filter.find_label_issues(LABELS, PROBS, verbose=False)
    assert sends == []


def test_all_probabilities_are_proved_unless_only_those_of_labels_are_wanted(near):
    probs = PROBS.copy()
    labels = np.zeros_like(LABELS)
    probs[0, 3, 1, 1] = 7
    with pytest.raises(segscore.InvalidInputError):
        near.score(labels, probs)
    near.submit(labels, probs, wait=True, only_labelled=True)
    assert near.score(labels, PROBS).job.summary() is not None


def test_threads_score_arrays_of_their_own(near, client):
    expected = [client.score(LABELS, np.roll(PROBS, index, axis=1)).image_scores.tolist() for index in range(4)]
    found = {}

    def work(index):
        found[index] = near.score(LABELS, np.roll(PROBS, index, axis=1)).image_scores.tolist()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(4)] == expected


def scores_in(near, factor):
    return near.score(LABELS, PROBS * np.float32(factor)).image_scores.tolist()


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_other_processes_have_memory_of_their_own(near, client, start):
    near.version()  # The parent has a connection, which is not the child's.
    factors = [0.25, 0.5, 1]
    with multiprocessing.get_context(start).Pool(3) as pool:
        found = pool.starmap(scores_in, [(near, factor) for factor in factors])
    assert found == [scores_in(client, factor) for factor in factors]
