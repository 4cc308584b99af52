"""Pictures, and the names of images and classes, that go with arrays."""

import io
import os
import sys
import zipfile

import numpy as np
import PIL.Image
import pytest

import proxy
import segscore
from segscore import _pictures
from segscore._pictures import picture_of
from test_html import Page
from test_regions import sample

N, H, W = 5, 24, 18
RANDOM = np.random.default_rng(0)
COLOURS = RANDOM.integers(0, 256, (N, H, W, 3), np.uint8)
GREY = RANDOM.integers(0, 256, (N, H, W), np.uint8)


@pytest.fixture(scope="session")
def arrays():
    return sample(N, H, W)


@pytest.fixture
def paths(tmp_path):
    """Files of three kinds."""
    paths = []
    for colours, name in zip(COLOURS, ["b.png", "a.jpg", "c.d.webp", "Ä ö.JPEG", "0.png"]):
        paths.append(tmp_path / name)
        PIL.Image.fromarray(colours).save(paths[-1])
    return paths


def kept(job, image):
    """The file that the server has of an image."""
    return job._transport.read("GET", f"/jobs/{job.id}/images/{image}", fields={"Accept": "image/*"})


def pixels(data):
    with PIL.Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


# Pictures


@pytest.mark.parametrize("of", ["paths", "strings"])
def test_files_are_sent_as_they_lie(client, small_client, arrays, paths, of):
    images = paths if of == "paths" else [str(path) for path in paths]
    for each in (client, small_client):
        job = each.submit(*arrays, images=images, wait=True)
        assert [kept(job, image) for image in range(N)] == [path.read_bytes() for path in paths]
        assert job.names == ["b", "a", "c.d", "Ä ö", "0"]
        assert {row.image: row.name for row in job.ranking()} == dict(enumerate(job.names))


@pytest.mark.parametrize("images", [COLOURS, GREY, GREY[..., None], list(COLOURS), list(GREY)], ids=lambda x: type(x))
def test_arrays_are_sent_as_png(client, small_client, arrays, images):
    for each in (client, small_client):
        job = each.submit(*arrays, images=images, wait=True)
        for image in range(N):
            np.testing.assert_array_equal(pixels(kept(job, image)), np.squeeze(images[image]))
        assert job.names is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "HSV"])
def test_images_of_pillow_are_sent_as_png(client, arrays, mode):
    images = [PIL.Image.fromarray(colours).convert(mode) for colours in COLOURS]
    job = client.submit(*arrays, images=images, wait=True)
    for image, picture in enumerate(images):
        with PIL.Image.open(io.BytesIO(kept(job, image))) as found:
            assert found.format == "PNG"
            np.testing.assert_array_equal(np.asarray(found.convert("RGB")), np.asarray(picture.convert("RGB")))


def test_images_of_pillow_have_the_names_of_their_files(client, arrays, paths):
    job = client.submit(*arrays, images=[PIL.Image.open(path) for path in paths])
    assert job.names == ["b", "a", "c.d", "Ä ö", "0"]


def test_any_of_these_may_be_iterated_over(small_client, arrays, paths):
    def images():
        yield paths[0]
        yield PIL.Image.fromarray(COLOURS[1])
        yield from COLOURS[2:]

    job = small_client.submit(iter(arrays[0]), iter(arrays[1]), images=images(), wait=True)
    assert kept(job, 0) == paths[0].read_bytes() and job.names is None
    for image in range(1, N):
        np.testing.assert_array_equal(pixels(kept(job, image)), COLOURS[image])


def test_one_image_has_one_picture(client, arrays, paths):
    labels, pred_probs = arrays
    one = (paths[0], COLOURS[0], GREY[0], GREY[0][..., None], PIL.Image.fromarray(COLOURS[0]))
    several = ([paths[0]], COLOURS[:1], GREY[:1], GREY[:1][..., None], [COLOURS[0]])
    for images in one + several:
        for first in (0, slice(1)):
            job = client.submit(labels[first], pred_probs[first], images=images, wait=True)
            assert pixels(kept(job, 0)).shape[:2] == (H, W)


def test_data_sets_take_pictures_with_labels(client, arrays, paths):
    with client.dataset() as dataset:
        dataset.add(arrays[0][:2], arrays[1][:2], images=paths[:2])
        dataset.add(arrays[0][2], arrays[1][2], images=COLOURS[2])
        dataset.add(arrays[0][3:], arrays[1][3:], images=COLOURS[3:])
        with pytest.raises(ValueError, match="images are 1, and the labels are of more"):
            dataset.add(*arrays, images=paths[:1])
    assert [kept(dataset.job, image) for image in (0, 1)] == [path.read_bytes() for path in paths[:2]]
    for image in (2, 3, 4):
        np.testing.assert_array_equal(pixels(kept(dataset.job, image)), COLOURS[image])
    assert dataset.images == N


def test_scores_do_not_depend_on_pictures(client, arrays, paths):
    one, other = client.score(*arrays), client.score(*arrays, images=paths)
    np.testing.assert_array_equal(one.pixel_scores, other.pixel_scores)
    assert other.names == ["b", "a", "c.d", "Ä ö", "0"]


def test_reduced_arrays_have_pictures_too(client, arrays, paths):
    reduced = client.reduce(*arrays)
    job = client.submit(arrays[0], **reduced._asdict(), classes=4, images=paths, wait=True)
    assert kept(job, 3) == paths[3].read_bytes()


def test_a_server_that_reads_memory_is_sent_pictures(start_server, tmp_path, arrays, paths):
    socket = f"unix:{tmp_path / 's'}"
    start_server("--listen", socket, "--allow-client-memory")
    with segscore.Client(socket) as client:
        job = client.submit(*arrays, images=paths, wait=True)
        assert kept(job, 1) == paths[1].read_bytes()
        # Names go with what is read in memory.
        named = client.submit(*arrays, names=["v", "w", "x", "y", "z"], wait=True)
        assert client.job(named.id).ranking(1)[0].name in "vwxyz"


def test_exports_have_the_pictures(client, arrays, paths, tmp_path):
    job = client.submit(*arrays, images=paths, class_names=["road", "car, parked", "tree", "sky"])
    with zipfile.ZipFile(job.export(tmp_path / "masks.zip", "coco")) as archive:
        assert archive.read("images/default/c.d.webp") == paths[2].read_bytes()
    found = segscore.annotations.read(tmp_path / "masks.zip", job, background=255)
    np.testing.assert_array_equal(found.labels, arrays[0])
    assert found.class_names == ["road", "car, parked", "tree", "sky"] and found.names == job.names


def test_files_are_read_again_if_they_are_sent_again(server, arrays, paths):
    with proxy.Proxy(server.port) as between, segscore.Client(between.url, retries=2) as client:
        between.will(proxy.cut_the_request, "POST /score")
        job = client.submit(*arrays, images=paths, wait=True)
        assert between.count("POST /score") == 2
        assert [kept(job, image) for image in range(N)] == [path.read_bytes() for path in paths]


def test_only_a_piece_of_a_file_is_held(arrays, tmp_path, monkeypatch):
    monkeypatch.setattr(_pictures, "PIECE", 1000)
    path = tmp_path / "a.png"
    PIL.Image.fromarray(RANDOM.integers(0, 256, (40, 40, 3), np.uint8)).save(path)
    picture = picture_of(path, 0)
    pieces = [bytes(piece) for piece in picture.pieces()]
    assert b"".join(pieces) == path.read_bytes() and max(map(len, pieces)) == 1000 < picture.size
    os.truncate(path, 500)
    with pytest.raises(OSError, match=r"a\.png became shorter while it was sent"):
        list(picture.pieces())


def test_a_folder_of_the_server_is_named(start_server, tmp_path, arrays, paths):
    url = f"http://127.0.0.1:{start_server('--data-dir', tmp_path).port}"
    (tmp_path / "pictures").mkdir()
    for path in paths:
        path.rename(tmp_path / "pictures" / path.name)
    with segscore.Client(url) as client:
        job = client.submit(*arrays, images="pictures", wait=True)
        assert kept(job, 0) == (tmp_path / "pictures/0.png").read_bytes()


def test_what_is_no_picture_is_refused(client, arrays, paths, tmp_path):
    def refused(images, message, kind=ValueError):
        with pytest.raises(kind, match=message):
            client.submit(*arrays, images=images)

    before = {job.id for job in client.jobs()}
    (tmp_path / "note.txt").write_text("RIFF but no picture")
    refused([*paths[:4], tmp_path / "note.txt"], r"note\.txt is no PNG, JPEG or WebP file")
    refused([*paths[:4], tmp_path / "none.png"], "No such file", FileNotFoundError)
    refused(paths[:4], "images are 4, and the labels are of more")
    refused([*paths, paths[0]], "images are more than 5, and the labels are of 5")
    refused(COLOURS / 255, r"image 0 is float64 \(24, 18, 3\); arrays of images are uint8")
    refused(COLOURS.transpose(0, 3, 1, 2), r"image 0 is uint8 \(3, 24, 18\)")
    refused(COLOURS[:, :0], r"image 0 is uint8 \(0, 18, 3\)")
    refused(paths[0], "images are a list with an item for each image", TypeError)
    refused(7, "images are arrays or can be iterated over; int is neither", TypeError)
    refused(b"a.png", "images are a list of paths", TypeError)
    assert {job.id for job in client.jobs()} == before


def test_pictures_that_are_missing_cancel_a_data_set_in_batches(small_client, arrays, paths):
    with pytest.raises(ValueError, match="images are 3, and the labels are of more"):
        small_client.submit(*arrays, images=paths[:3])
    with pytest.raises(ValueError, match="names are 4, and there are 5 images"):
        small_client.submit(*arrays, names=["a", "b", "c", "d"])
    assert {job.status for job in small_client.jobs(limit=2)} == {"canceled"}


def test_arrays_are_encoded_a_batch_at_a_time(small_client, arrays, monkeypatch):
    encoded, sent = [], []
    monkeypatch.setattr(
        _pictures, "png", lambda array, level, real=_pictures.png: encoded.append(1) or real(array, level)
    )
    small_client.submit(*arrays, images=COLOURS, on_images=lambda count: sent.append((count, len(encoded))))
    assert len(encoded) == N and min(count for _, count in sent) < N


def test_names_of_files_cannot_end_a_part(client, arrays, tmp_path):
    paths = []
    for image, name in enumerate(['a"b', "c\r\nd", "e%22", "f\\g", "h\udce4"]):
        paths.append(tmp_path / f"{name}.png")
        PIL.Image.fromarray(COLOURS[image]).save(paths[-1])
    job = client.submit(*arrays, images=paths, wait=True)
    assert [kept(job, image) for image in range(N)] == [path.read_bytes() for path in paths]
    assert job.names is None


# Names


def test_images_and_classes_have_names(client, small_client, arrays):
    names, classes = ["a", "b,c", "d/e", "[f]", "g"], ["road", "car, parked", '"x"', "[y"]
    job = client.submit(*arrays, names=names, class_names=classes, method="margin", wait=True)
    assert job.names == names and client.job(job.id)._image_names() == names
    assert job.document()["parameters"]["class_names"] == classes
    scores = client.score(*arrays, names=names)
    assert scores.names == names and scores.job.ranking(1)[0].name in names
    # The server takes no names of images that come in batches; this process knows them.
    job = small_client.submit(*arrays, names=names, class_names=classes, method="margin", wait=True)
    assert job.names == names and job._class_names() == classes
    assert next(iter(job.regions())).name in names
    with client.dataset(class_names=classes) as dataset:
        dataset.add(*arrays)
    assert dataset.job._class_names() == classes


def test_names_that_make_no_sense_are_refused(client, arrays):
    for names in (["a"], list("abcdef")):
        with pytest.raises(ValueError, match=f"names are {len(names)}, and there are 5 images"):
            client.submit(*arrays, names=names)
    for names in ("abcde", [1, 2, 3, 4, 5]):
        with pytest.raises(TypeError, match="names are a list of strings"):
            client.submit(*arrays, names=names)
    for name in ("../x", "x\0y", "a"):
        with pytest.raises(segscore.InvalidInputError) as caught:
            client.submit(*arrays, names=["a", "b", "c", "d", name])
        assert caught.value.parameter == "names"
    with pytest.raises(segscore.InvalidInputError) as caught:
        client.submit(*arrays, class_names=["a", "b", "c"], wait=True)
    assert caught.value.parameter == "class_names"
    with pytest.raises(TypeError, match="names are a list of strings"):
        client.dataset(class_names="abcd")


def test_there_may_be_many_names(client):
    names = [f"folder/image_{image:020}" for image in range(5000)]
    labels, pred_probs = np.zeros((5000, 1, 1), np.uint8), np.full((5000, 2, 1, 1), 0.5, np.float32)
    job = client.submit(labels, pred_probs, names=names, wait=True)
    assert client.job(job.id)._image_names() == names


def test_images_of_folders_have_the_names_of_their_files(client, arrays, tmp_path):
    for folder, array in zip(("masks", "probs"), arrays):
        (tmp_path / folder).mkdir()
        for name, each in zip("edcba", array):
            np.save(tmp_path / folder / f"{name}.npy", each)
    folders = (tmp_path / "masks", tmp_path / "probs")
    with pytest.raises(ValueError, match="leave names out"):
        client.submit(*folders, names=list("abcde"))
    job = client.submit(*folders, images=COLOURS)
    assert job.names == list("abcde") == client.job(job.id)._image_names()
    # What the server would not take as a name stays known here.
    (tmp_path / "masks/a.npy").rename(tmp_path / "masks/a\\b.npy")
    (tmp_path / "probs/a.npy").rename(tmp_path / "probs/a\\b.npy")
    job = client.submit(*folders)
    assert job.names == ["a\\b", *"bcde"] and client.job(job.id)._image_names() is None


# What notebooks show


def test_a_review_shows_the_pictures_under_outlines(client, tmp_path):
    labels, pred_probs = sample(3, 40, 60)
    labels[:, 10:30, 20:50], labels[:, :10] = 1, 0
    colours = np.zeros((3, 160, 240, 3), np.uint8)
    colours[..., 0] = 200
    job = client.submit(labels, pred_probs, method="margin", images=list(colours), class_names=["a", "b", "c", "d"])
    page = Page(job.review(open=False)._repr_html_())
    worst = [row.image for row in job.ranking()]
    assert list(page.pictures) == [f"{kind} of {image}" for image in worst for kind in ("picture", "issues")]
    assert "Outlines of labels" in page.words
    for image in worst:
        picture = page.pictures[f"picture of {image}"]
        assert picture.shape == (80, 120, 3)
        is_plain = (picture == (200, 0, 0)).all(axis=-1)
        assert is_plain[30:50, 50:90].all()  # Within an object.
        large = labels[image].repeat(2, axis=0).repeat(2, axis=1)
        beside = np.zeros(large.shape, bool)
        beside[1:] |= large[1:] != large[:-1]
        beside[:-1] |= large[1:] != large[:-1]
        beside[:, 1:] |= large[:, 1:] != large[:, :-1]
        beside[:, :-1] |= large[:, 1:] != large[:, :-1]
        np.testing.assert_array_equal(is_plain, ~beside)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (200, 300), (128, 64), (129, 5)])
def test_pictures_and_labels_of_any_size_are_shown(client, size):
    labels, pred_probs = sample(1, *size)
    job = client.submit(labels, pred_probs, method="margin", images=np.full((1, *size), 9, np.uint8))
    [picture, _] = Page(job.review(open=False)._repr_html_()).pictures.values()
    assert 64 < max(picture.shape) <= 128


def test_labels_are_shown_where_there_is_no_picture(client, arrays, paths, monkeypatch):
    job = client.submit(*arrays, method="margin", images=paths)
    assert "picture of a" in Page(job.review(open=False)._repr_html_()).pictures
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "PIL.Image", None)
        html = job.review(open=False)._repr_html_()
    assert "labels of a" in Page(html).pictures and "picture of a" not in Page(html).pictures
    paths[1].write_bytes(paths[1].read_bytes()[:300])
    shown = Page(client.submit(*arrays, method="margin", images=paths).review(open=False)._repr_html_()).pictures
    assert "labels of a" in shown and "picture of b" in shown
