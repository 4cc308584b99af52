"""Labels as PNG files and as images of Pillow, with the answer to the same labels as arrays."""

import io
import pathlib
import sys

import numpy as np
import PIL.Image
import pytest

import masks
import segscore
from conftest import sample
from segscore._batches import BatchSource
from segscore._form import Form

COLOURS = [(0, 0, 0), (255, 0, 0), (0, 128, 64), (1, 2, 3)]


@pytest.fixture
def written(arrays, tmp_path):
    """The paths of the masks, each kind of file in turn, with their labels and probabilities."""
    labels, pred_probs = arrays
    writers = [masks.grey, masks.palette, lambda mask: masks.by_hand(mask, 4, interlaced=True)]
    paths = [tmp_path / f"mask{index}.png" for index in range(len(labels))]
    for index, (path, mask) in enumerate(zip(paths, labels)):
        path.write_bytes(writers[index % 3](mask))
    return paths, labels, pred_probs


def assert_same(scores, expected):
    np.testing.assert_array_equal(scores.image_scores, expected.image_scores)
    np.testing.assert_array_equal(scores.pixel_scores, expected.pixel_scores)


@pytest.mark.parametrize("as_paths", [str, pathlib.Path], ids=["str", "Path"])
def test_paths_are_sent_as_they_lie(client, small_client, written, as_paths):
    paths, labels, pred_probs = written
    expected = client.score(labels, pred_probs)
    given = [as_paths(path) for path in paths]
    assert_same(client.score(given, pred_probs), expected)
    assert_same(client.score(given, list(pred_probs)), expected)
    assert_same(small_client.score(given, pred_probs), expected)
    assert_same(client.score(iter(given), iter(pred_probs)), expected)
    [batch] = BatchSource(given, pred_probs, 1 << 30).batches()
    form = Form(batch)
    body = b"".join(bytes(piece) for pieces in form for piece in pieces)
    assert len(body) == form.length and all(path.read_bytes() in body for path in paths)


def test_images_of_pillow_are_their_values(client, arrays):
    labels, pred_probs = arrays
    expected = client.score(labels, pred_probs)
    for write in (masks.grey, masks.palette):
        images = [PIL.Image.open(io.BytesIO(write(mask))) for mask in labels]
        assert_same(client.score(images, pred_probs), expected)
    wide = [PIL.Image.fromarray(mask.astype(np.uint16)) for mask in labels]
    assert_same(client.score(wide, pred_probs), expected)


def test_without_pillow_paths_are_taken(client, written, monkeypatch):
    paths, labels, pred_probs = written
    monkeypatch.delitem(sys.modules, "PIL.Image")
    assert_same(client.score(paths, pred_probs), client.score(labels, pred_probs))


@pytest.mark.parametrize(
    "colors",
    [
        COLOURS,
        np.array(COLOURS),
        ["#000000", "#ff0000", "#008040", "#010203"],
        "#000000,#ff0000,#008040,#010203",
        {"#010203": 3, "#000000": 0, "#ff0000": np.int64(1), "#008040": 2},
    ],
    ids=["triples", "array", "texts", "text", "dict"],
)
def test_colours_stand_for_classes(client, arrays, tmp_path, colors):
    labels, pred_probs = arrays
    paths = [tmp_path / f"{index}.png" for index in range(len(labels))]
    for path, mask in zip(paths, labels):
        path.write_bytes(masks.coloured(mask, COLOURS))
    expected = client.score(labels, pred_probs)
    assert_same(client.score(paths, pred_probs, colors=colors), expected)
    images = [PIL.Image.open(path) for path in paths]
    assert_same(client.score(images, pred_probs, colors=colors), expected)
    with pytest.raises(ValueError, match="pixels of colour"):
        client.score(paths, pred_probs)


def test_masks_may_differ_in_size(client, tmp_path):
    sizes = [(24, 18), (24, 18), (16, 30)]
    images = [sample(1, 4, *size, seed=index) for index, size in enumerate(sizes)]
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for path, (labels, _) in zip(paths, images):
        path.write_bytes(masks.grey(labels[0]))
    labels, pred_probs = [image[0][0] for image in images], [image[1][0] for image in images]
    scores = client.score(paths, pred_probs)
    np.testing.assert_array_equal(scores.image_scores, client.score(labels, pred_probs).image_scores)
    with pytest.raises(ValueError, match="must agree"):
        client.score(paths[:1], pred_probs[2:])


def test_a_data_set_takes_masks_call_by_call(client, written):
    paths, labels, pred_probs = written
    with client.dataset() as dataset:
        dataset.add(paths[0], pred_probs[0])
        dataset.add(PIL.Image.fromarray(labels[1]), pred_probs[1])
        dataset.add(paths[2:5], pred_probs[2:5])
        dataset.add([PIL.Image.fromarray(mask) for mask in labels[5:]], pred_probs[5:])
    expected = client.score(labels, pred_probs)
    np.testing.assert_array_equal(dataset.job.image_scores(), expected.image_scores)


def test_what_is_no_mask_is_refused_before_it_is_sent(client, written, tmp_path):
    paths, _, pred_probs = written
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 and so on, for long enough")
    with pytest.raises(ValueError, match=r"a\.jpg is no PNG image"):
        client.score([tmp_path / "a.jpg"], pred_probs[:1])
    with pytest.raises(TypeError, match="put it in a list"):
        client.score(str(paths[0]), pred_probs[:1])
    with pytest.raises(FileNotFoundError):
        client.score(["nowhere.png"], pred_probs[:1])


@pytest.mark.parametrize("mode", ["1", "L", "P", "I", "I;16", "F"])
def test_images_of_all_modes_of_classes(client, mode):
    labels, pred_probs = sample(2, 2 if mode == "1" else 4, 24, 18)
    images = {
        "1": lambda mask: PIL.Image.fromarray(mask.astype(bool)),
        "P": lambda mask: PIL.Image.open(io.BytesIO(masks.palette(mask))),
        "I": lambda mask: PIL.Image.fromarray(mask.astype(np.int32)),
        "I;16": lambda mask: PIL.Image.fromarray(mask.astype(np.uint16)),
        "F": lambda mask: PIL.Image.fromarray(mask.astype(np.float32)),
    }
    given = [images.get(mode, PIL.Image.fromarray)(mask) for mask in labels]
    assert {image.mode for image in given} == {mode}
    assert_same(client.score(given, pred_probs), client.score(labels, pred_probs))


@pytest.mark.parametrize("mode", ["PA", "CMYK", "YCbCr", "HSV", "LAB"])
def test_images_of_other_modes_are_refused(client, arrays, mode):
    with pytest.raises(ValueError, match=f"the mode {mode}, whose samples are no classes"):
        client.score([PIL.Image.new(mode, (18, 24))], arrays[1][:1])


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_images_with_alpha_are_for_the_server_to_refuse(client, arrays, mode):
    with pytest.raises(segscore.InvalidInputError, match="alpha|colour"):
        client.score([PIL.Image.new(mode, (18, 24))], arrays[1][:1])
