"""Masks that come back from annotation tools."""

import io
import json
import shutil
import struct
import urllib.request
import zipfile

import numpy as np
import PIL.Image
import pytest

import segscore
from segscore import annotations
from segscore.annotations import _files, _shapes

EXPORTS = {
    "coco": {"format": "coco"},
    "coco of polygons": {"format": "coco", "polygons": True},
    "cvat": {"format": "cvat"},
    "cvat-mask": {"format": "cvat-mask"},
    "label-studio": {"format": "label-studio"},
}
EACH = pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)


def drawn(height, width, seed=0):
    """Labels with a ring around another, single pixels, stripes, and noise."""
    random = np.random.default_rng([seed, height, width])
    rows, columns = np.indices((height, width))
    far = np.hypot(rows - height / 2, columns - width / 2)
    ring = np.where((far > 4) & (far < 8), 1, np.where(far < 2, 2, 0))
    single = np.zeros((height, width), int)
    single[::5, ::3] = 3
    stripes = columns % 4
    noise = random.integers(0, 4, (height, width))
    return np.stack([ring, single, stripes, noise, np.full((height, width), 2), np.zeros((height, width), int)])


def probs_of(labels, classes):
    """Probabilities with which the model is of another opinion in a band of each image."""
    seen = labels.copy()
    seen[..., : labels.shape[-2] // 4, :] = (seen[..., : labels.shape[-2] // 4, :] + 1) % classes
    shape = (*labels.shape[:-2], classes, *labels.shape[-2:])
    probs = np.full(shape, 0.2 / classes, np.float32)
    np.put_along_axis(probs, np.expand_dims(seen, -3), 0.2 / classes + 0.8, axis=-3)
    return probs


@pytest.fixture(scope="session")
def arrays():
    labels = drawn(24, 18).astype(np.uint8)
    return labels, probs_of(labels, 4)


@pytest.fixture
def mended(job):
    """A job of which half of the regions were decided about."""
    job.decide_many({"region": region, "verdict": "wrong"} for region in list(job.regions())[::2])
    assert not np.array_equal(job.mended(), job.labels())
    return job


def exported(job, tmp_path, **parameters):
    return job.export(tmp_path / "masks.zip", **parameters)


# What the server exports


@EACH
def test_every_pixel_comes_back(mended, tmp_path, export):
    path = exported(mended, tmp_path, **export)
    # Nothing is left of what the pixels were before.
    found = annotations.read(path, mended, background=255)
    np.testing.assert_array_equal(found.labels, mended.mended(), strict=True)
    assert found.missing == [] and found.format == export["format"]
    assert found.names == [f"{image:06}" for image in range(6)]
    np.testing.assert_array_equal(annotations.read(path, like=mended).labels, mended.mended())


@EACH
def test_names_and_shapes_are_enough(mended, tmp_path, export):
    path = exported(mended, tmp_path, **export)
    found = annotations.read(path, {f"{image:06}": (24, 18) for image in range(6)}, background=9)
    np.testing.assert_array_equal(found.labels, mended.mended())


@EACH
def test_pixels_that_take_no_part_keep_their_label(client, arrays, tmp_path, export):
    labels = arrays[0].copy()
    labels[:, :3] = 200
    job = client.submit(labels, arrays[1], ignore_label=200)
    found = annotations.read(exported(job, tmp_path, **export), job)
    np.testing.assert_array_equal(found.labels, job.labels(), strict=True)
    again = client.submit(found.labels, arrays[1], ignore_label=200)
    np.testing.assert_array_equal(again.image_scores(), job.image_scores())


@EACH
@pytest.mark.parametrize("classes", [255, 256, 300])
def test_many_classes(client, tmp_path, export, classes):
    labels = np.arange(300).reshape(1, 15, 20) % classes
    job = client.submit(labels, probs_of(labels, classes), method="margin")
    found = annotations.read(exported(job, tmp_path, **export), job, background=1)
    np.testing.assert_array_equal(found.labels, job.mended())
    assert found.labels.dtype == (np.uint8 if classes == 255 else np.uint16)


@EACH
def test_images_of_several_sizes_are_a_list(client, tmp_path, export):
    labels = [drawn(*size)[kind] for kind, size in enumerate([(24, 18), (1, 7), (5, 1), (40, 33)])]
    job = client.submit(labels, [probs_of(each, 4) for each in labels], method="margin")
    found = annotations.read(exported(job, tmp_path, **export), job, background=255)
    assert isinstance(found.labels, list)
    for one, other in zip(found.labels, labels):
        np.testing.assert_array_equal(one, other)


@EACH
def test_an_image_without_an_axis_of_images_has_none(client, arrays, tmp_path, export):
    job = client.submit(arrays[0][3], arrays[1][3])
    found = annotations.read(exported(job, tmp_path, **export), job, background=255)
    np.testing.assert_array_equal(found.labels, arrays[0][3], strict=True)


NAMES = [
    ["road", "Sky & sea", "a:b", "#c"],
    ['"d" <e>', "Straße", "a_b", "Background"],
    ["a, b", "[c", " tree ", "tree"],
]


@EACH
@pytest.mark.parametrize("names", NAMES)
def test_classes_have_awkward_names(mended, tmp_path, export, names):
    path = exported(mended, tmp_path, **export, class_names=names)
    found = annotations.read(path, mended, class_names=names, background=255)
    np.testing.assert_array_equal(found.labels, mended.mended())
    assert found.class_names == names
    with pytest.raises(ValueError, match="no class is called"):
        annotations.read(path, mended)


@EACH
def test_images_have_awkward_names(start_server, tmp_path, export):
    names = ["a", "a.b", "inner/a", "inner/deep/ä ö+%20&?", "#hash", " blank", "0a1b2c3d-a", 'quote"<&>', "000003"]
    for folder in ("masks", "probs"):
        for name in names:
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
    labels = {name: drawn(8, 9, seed)[3] for seed, name in enumerate(names)}
    for name, array in labels.items():
        np.save(tmp_path / "masks" / f"{name}.npy", array)
        np.save(tmp_path / "probs" / f"{name}.npy", probs_of(array, 4))
    url = f"http://127.0.0.1:{start_server('--data-dir', tmp_path).port}"
    body = b'{"labels": {"folder": "masks"}, "pred_probs": {"folder": "probs"}, "method": "margin"}'
    with urllib.request.urlopen(f"{url}/score", body) as answer:
        job = segscore.Client(url).job(json.load(answer)["job"])
    found = annotations.read(exported(job, tmp_path, **export), job, background=255)
    assert sorted(found.names) == sorted(names)
    for name, array in zip(found.names, found.labels):
        np.testing.assert_array_equal(array, labels[name])


def test_names_that_this_process_alone_knows(client, small_client, arrays, tmp_path):
    names = ["u", "v", "w", "x", "y", "z"]
    job = small_client.submit(*arrays, names=names)
    found = annotations.read(exported(job, tmp_path), job, background=255)
    assert found.names == names
    np.testing.assert_array_equal(found.labels, arrays[0])
    # The numbers are those of this server's images, and no names of others.
    with pytest.raises(ValueError, match=r"'000000\.png' is of no image; these are 'u', 'v', 'w', …"):
        annotations.read(tmp_path / "masks.zip", client.submit(*arrays, names=names))


def test_names_may_lack_suffixes_and_folders_or_have_them(tmp_path):
    def names_of(files, like):
        rows = [{"id": id, "file_name": file, "width": 8, "height": 6} for id, file in enumerate(files)]
        path = written(tmp_path, coco() | {"images": rows})
        return annotations.read(path, dict.fromkeys(like, (6, 8)), background=0).missing

    assert names_of(["a.jpg", "b/c.png", "d.e.png"], ["a", "b/c", "d.e"]) == []
    assert names_of(["a.jpg", "deep/b/c.png", "x/d.e.png"], ["a.png", "b/c.tif", "d.e.JPG"]) == []
    assert names_of(["c.jpg", "e.jpg"], ["a", "b/c", "d/e.png"]) == ["a"]
    for files, like in [
        (["a.jpg"], ["a.b"]),
        (["c.jpg"], ["a/c", "b/c"]),
        (["ab.jpg"], ["b"]),
        (["000000.png"], ["a"]),
    ]:
        with pytest.raises(ValueError, match="is of no image"):
            names_of(files, like)


@pytest.mark.parametrize("is_zip", [False, True])
def test_pictures_of_class_numbers_come_back(mended, tmp_path, is_zip):
    path = folder = tmp_path / "masks"
    files = mended.save_mended(folder)
    if is_zip:
        path = tmp_path / "masks.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, f"some folder/{file.name}")
    found = annotations.read(path, mended, background=255)
    np.testing.assert_array_equal(found.labels, mended.mended())
    assert found.format == "png"


def test_pictures_may_leave_pixels_out(mended, tmp_path):
    values = mended.mended(0).copy()
    values[3, 4] = 255
    PIL.Image.fromarray(values).save(tmp_path / "000000.png")
    found = annotations.read(tmp_path, mended)
    np.testing.assert_array_equal(found.labels[0], values)
    np.testing.assert_array_equal(found.labels[1:], mended.labels()[1:])
    assert found.missing == [f"{image:06}" for image in range(1, 6)]
    assert repr(found) == "<segscore.annotations.Annotations: 6 images from png, 5 of them missing>"


def test_pictures_of_16_bits_and_of_few_bits(client, arrays, tmp_path):
    labels = np.arange(300).reshape(15, 20)
    PIL.Image.fromarray(labels.astype(np.uint16)).save(tmp_path / "wide.png")
    PIL.Image.fromarray(labels % 2 == 1).save(tmp_path / "narrow.png")
    shapes = {"wide": (15, 20), "narrow": (15, 20)}
    found = annotations.read(tmp_path, shapes, background=0)
    np.testing.assert_array_equal(found.labels, [labels, labels % 2])


# What tools write


def coco(annotation=None, **image):
    """A document about the image `a` of 6 x 8 pixels, in which `annotation` is a road."""
    annotations = [] if annotation is None else [{"id": 1, "image_id": 1, "category_id": 1} | annotation]
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 8, "height": 6} | image],
        "categories": [{"id": 1, "name": "road"}, {"id": 7, "name": "unused"}],
        "annotations": annotations,
    }


def cvat(*shapes, image='name="a.jpg" width="8" height="6"', head=""):
    return f'<?xml version="1.0"?>{head}<annotations><image id="0" {image}>{"".join(shapes)}</image></annotations>'


def mask(rle="0, 5, 1, 6", label="road", box="2 1 4 3", order=0):
    left, top, width, height = box.split()
    return (
        f'<mask label="{label}" rle="{rle}" left="{left}" top="{top}" width="{width}" height="{height}" '
        f'z_order="{order}"/>'
    )


def studio(result=None, image="images/a.jpg", **task):
    results = [] if result is None else [result]
    return [{"data": {"image": image}, "annotations": [{"result": results}]} | task]


def brush(values, label="road", **more):
    """A result of Label Studio, by the runs of each of the 4 values of a pixel."""
    bits = f"{len(values):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    start = 0
    while start < len(values):
        end = start
        while end < len(values) and values[end] == values[start] and end - start < 1 << 16:
            end += 1
        bits += f"111{end - start - 1:016b}{values[start]:08b}"
        start = end
    bits += "0" * (-len(bits) % 8)
    rle = [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]
    return rle_result(rle, label, **more)


def rle_result(rle, label="road", **more):
    return {
        "type": "brushlabels",
        "original_width": 8,
        "original_height": 6,
        "value": {"format": "rle", "rle": rle, "brushlabels": [label]},
    } | more


def written(tmp_path, document, name="annotations.json"):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def read(tmp_path, document, name="annotations.json", **more):
    like = {"a": (6, 8)}
    return annotations.read(written(tmp_path, document, name), like, **{"class_names": NAMED, "background": 0} | more)


NAMED = ["ground", "road", "car"]
ROAD = np.zeros((6, 8), np.uint8)
ROAD[1:4, 2:6] = 1
ROAD[2, 3] = 0
OPAQUE = np.repeat(255 * ROAD.ravel(), 4).tolist()


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [6, 8], "counts": [13, 3, 3, 1, 1, 1, 3, 3, 3, 3, 14]},
        {"size": [6, 8], "counts": "=33NN02200;"},
        [
            [2, 1, 6, 1, 6, 2, 2, 2],
            [2, 2, 3, 2, 3, 3, 2, 3],
            [4.0, 2.0, 6.0, 2.0, 6.0, 3.0, 4.0, 3.0],
            [2, 3, 6, 3, 6, 4, 2, 4],
        ],
    ],
    ids=["numbers", "letters", "polygons"],
)
def test_coco_is_read(tmp_path, segmentation):
    found = read(tmp_path, coco({"segmentation": segmentation, "iscrowd": 1}))
    np.testing.assert_array_equal(found.labels, [ROAD], strict=True)
    assert (found.format, found.names, found.class_names) == ("coco", ["a"], NAMED)


def test_letters_are_those_of_pycocotools(tmp_path):
    masks = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for height, width, share in [(1, 1, 1), (1, 1, 0), (300, 200, 0.5), (7, 900, 0.02), (4000, 3, 0.999), (64, 64, 0)]:
        mask = random.random((height, width)) < share
        letters = masks.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
        runs = _shapes.runs_of_letters(letters, mask.size)
        columns, rows = divmod(_shapes.pixels_of_runs(runs, mask.size), height)
        found = np.zeros_like(mask)
        found[rows, columns] = True
        np.testing.assert_array_equal(found, mask)


def test_polygons_are_near_those_of_pycocotools():
    masks = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for _ in range(30):
        angles = np.sort(random.random(12)) * 2 * np.pi
        far = 10 + 25 * random.random(12)
        points = np.stack([40 + far * np.cos(angles), 30 + far * np.sin(angles)], axis=1).ravel().tolist()
        found = np.zeros((60, 80), bool)
        found[_shapes.pixels_of_polygon(points, 60, 80)] = True
        other = masks.decode(masks.frPyObjects([points], 60, 80))[..., 0].astype(bool)
        assert np.count_nonzero(found & other) / np.count_nonzero(found | other) > 0.9


def test_a_polygon_that_leaves_the_image_is_cut_off():
    found = np.zeros((6, 8), bool)
    found[_shapes.pixels_of_polygon([-5, -5, 4, -5, 4, 1e300, -5, 100], 6, 8)] = True
    assert found[:, :4].all() and not found[:, 4:].any()
    assert [each.size for each in _shapes.pixels_of_polygon([50, 50, 60, 50, 60, 60], 6, 8)] == [0, 0]


def test_the_last_annotation_of_a_pixel_counts(tmp_path):
    document = coco({"segmentation": {"size": [6, 8], "counts": [0, 48]}})
    document["annotations"].append(
        {"id": 2, "image_id": 1, "category_id": 2, "segmentation": [[0, 0, 2, 0, 2, 9, 0, 9]]}
    )
    document["categories"].append({"id": 2, "name": "car"})
    [found] = read(tmp_path, document).labels
    assert (found[:, :2] == 2).all() and (found[:, 2:] == 1).all()


def test_cvat_is_read(tmp_path):
    rest = '<tag label="night" source="manual"/><box2/>'
    [found] = read(tmp_path, cvat(mask(), rest), "annotations.xml").labels
    np.testing.assert_array_equal(found, ROAD)
    polygon = '<polygon label="car" points="0.0,0.0;3.0,0.0;3.0,2.0;0.0,2.0" z_order="-1"/>'
    upper = mask("0, 48", "ground", "0 0 8 6", order=-2)
    [found] = read(tmp_path, cvat(mask(order=1), polygon, upper), "other.xml").labels
    expected = ROAD.copy()
    expected[:2, :3] = np.where(ROAD[:2, :3], 1, 2)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("mode", ["RGB", "P", "L"])
def test_cvat_s_pictures_are_read(tmp_path, mode):
    colours = np.array([(0, 0, 0), (128, 64, 128), (0, 0, 142)], np.uint8)
    classes = ROAD.copy()
    classes[5, :3] = 2
    if mode == "RGB":
        picture = PIL.Image.fromarray(colours[classes])
    else:
        picture = PIL.Image.fromarray(classes)
        if mode == "P":
            picture.putpalette(colours.ravel().tolist())
    (tmp_path / "out/SegmentationClass/sub").mkdir(parents=True)
    (tmp_path / "out/SegmentationObject").mkdir()
    for name in ("a.png", "sub/b.png"):
        picture.save(tmp_path / "out/SegmentationClass" / name)
    picture.save(tmp_path / "out/SegmentationObject/a.png")
    rows = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\ncar:0,0,142::\n"
    (tmp_path / "out/labelmap.txt").write_text(rows)
    like = {"a": (6, 8), "sub/b": (6, 8)}
    found = annotations.read(tmp_path / "out", like, class_names=NAMED, background=0)
    np.testing.assert_array_equal(found.labels, [classes, classes])
    assert found.format == "cvat-mask"
    # Without colours they are those of PASCAL VOC.
    if mode != "L":
        colours[:] = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]
        for name in ("a.png", "sub/b.png"):
            PIL.Image.fromarray(colours[classes]).save(tmp_path / "out/SegmentationClass" / name)
    (tmp_path / "out/labelmap.txt").write_text("background:::\nroad:::\ncar:::\n")
    found = annotations.read(tmp_path / "out", like, class_names=NAMED, background=0)
    np.testing.assert_array_equal(found.labels, [classes, classes])


@pytest.mark.parametrize(
    "image",
    [
        "images/a.jpg",
        "/data/local-files/?d=images/a.jpg",
        "/data/upload/3/0f1e2d3c-a.jpg",
        "s3://bucket/folder/a.jpg",
        "https://x.org/y/a.jpg?X-Token=b.png",
    ],
)
def test_label_studio_is_read(tmp_path, image):
    [found] = read(tmp_path, studio(brush(OPAQUE), image)).labels
    np.testing.assert_array_equal(found, ROAD)


def test_label_studio_s_polygons_are_read(tmp_path):
    points = [[25, 100 / 6], [75, 100 / 6], [75, 400 / 6], [25, 400 / 6]]
    polygon = brush(OPAQUE) | {"type": "polygonlabels", "value": {"points": points, "polygonlabels": ["car"]}}
    choice = {"type": "choices", "value": {"choices": ["night"]}}
    task = studio(annotations=[{"result": [polygon, choice]}])
    [found] = read(tmp_path, task).labels
    assert (found[1:4, 2:6] == 2).all() and found.sum() == 24


def test_of_label_studio_s_annotations_the_latest_counts(tmp_path):
    full = brush([255] * 192, "car")
    road = brush(OPAQUE)
    for task, expected in [
        ({"annotations": [{"result": [full]}, {"result": [road]}], "predictions": [{"result": [full]}]}, ROAD),
        (
            {"annotations": [{"result": [road], "updated_at": "2026-02"}, {"result": [full], "updated_at": "2026-01"}]},
            ROAD,
        ),
        ({"annotations": [{"result": [full], "was_cancelled": True}], "predictions": [{"result": [road]}]}, ROAD),
        ({"annotations": [], "predictions": [{"result": [full]}, {"result": [road]}]}, ROAD),
        ({"annotations": [{"result": []}], "predictions": [{"result": [full]}]}, 0 * ROAD),
        ({"annotations": [], "predictions": []}, 0 * ROAD),
    ]:
        np.testing.assert_array_equal(read(tmp_path, studio(**task)).labels[0], expected)


def test_brushes_may_list_values_one_by_one(tmp_path):
    random = np.random.default_rng(0)
    values = random.integers(0, 256, 192)
    bits = f"{192:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += "010" + f"{191:08b}" + "".join(f"{value:08b}" for value in values)
    bits += "0" * (-len(bits) % 8)
    rle = [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]
    [found] = read(tmp_path, studio(rle_result(rle))).labels
    np.testing.assert_array_equal(found, (values.reshape(6, 8, 4)[..., 3] > 127).astype(int))


# What the tools' own writers write


TOOLS = {"a": drawn(30, 41)[3], "b.c": drawn(12, 9)[0], "full": drawn(7, 9)[4], "single": drawn(16, 16)[1]}
CLASSES = ["ground", "road", "car", "tree"]


def check_tools(path, form):
    like = {name: labels.shape for name, labels in TOOLS.items()}
    found = annotations.read(path, like, class_names=CLASSES, background=255)
    assert found.format == form and found.missing == []
    for one, other in zip(found.labels, TOOLS.values()):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "form"),
    [("coco_instances", "coco"), ("coco", "coco"), ("cvat", "cvat"), ("voc_segmentation", "cvat-mask")],
)
def test_datumaro_s_files_are_read(tmp_path, name, form):
    dataset = pytest.importorskip("datumaro.components.dataset")
    from datumaro.components.annotation import AnnotationType, LabelCategories, Mask
    from datumaro.components.dataset_base import DatasetItem
    from datumaro.components.media import Image

    items = []
    for image, labels in TOOLS.items():
        masks = [
            Mask(image=labels == label, label=label, id=int(label) + 1, group=int(label) + 1, z_order=0)
            for label in np.unique(labels)
        ]
        picture = Image.from_numpy(np.zeros((*labels.shape, 3), np.uint8))
        items.append(DatasetItem(id=image, annotations=masks, media=picture))
    categories = {AnnotationType.label: LabelCategories.from_iterable(CLASSES)}
    options = {"label_map": "source"} if name.startswith("voc") else {}
    data = dataset.Dataset.from_iterable(items, categories=categories)
    data.export(str(tmp_path / "out"), name, save_media=True, **options)
    check_tools(tmp_path / "out", form)
    check_tools(shutil.make_archive(str(tmp_path / "zip"), "zip", tmp_path / "out"), form)


def test_masks_of_cvat_s_sdk_are_read(tmp_path):
    masks = pytest.importorskip("cvat_sdk.masks")
    text = ""
    for image, labels in TOOLS.items():
        shapes = ""
        for label in np.unique(labels):
            *runs, left, top, right, bottom = map(int, masks.encode_mask(labels == label))
            box = f"{left} {top} {right - left + 1} {bottom - top + 1}"
            shapes += mask(str(runs)[1:-1], CLASSES[label], box)
        height, width = labels.shape
        text += f'<image name="{image}.png" width="{width}" height="{height}">{shapes}</image>'
    check_tools(written(tmp_path, f"<annotations>{text}</annotations>", "annotations.xml"), "cvat")


def test_brushes_of_label_studio_s_sdk_are_read(tmp_path):
    brushes = pytest.importorskip("label_studio_sdk.converter.brush")
    tasks = []
    for image, labels in TOOLS.items():
        height, width = labels.shape
        results = [
            rle_result(
                brushes.mask2rle((255 * (labels == label)).astype(np.uint8)),
                CLASSES[label],
                original_width=width,
                original_height=height,
            )
            for label in np.unique(labels)
        ]
        address = f"/data/upload/1/0f1e2d3c-{image}.png"
        tasks += [{"data": {"image": address}, "annotations": [{"result": results}], "predictions": []}]
    check_tools(written(tmp_path, tasks), "label-studio")


# What makes no sense


RLE = {"size": [6, 8], "counts": [48]}
WRONG_COCO = {
    "is of no image; these are 'a'": coco(file_name="b.jpg"),
    "is 8 x 7 pixels, and the labels have 8 x 6": coco(height=7),
    "is 100000000000 x 6 pixels": coco(width=10**11),
    "file_name must be a text": coco(file_name=3),
    "annotation 1: there is no image 5": coco({"image_id": 5}),
    r"there is no image \[\]": coco({"image_id": []}),
    "there is no category 9": coco({"category_id": 9}),
    "no class is called 'unused'; they are 'ground', 'road', 'car'": coco({"category_id": 7, "segmentation": RLE}),
    "it has no mask, and a box alone": coco({"bbox": [0, 0, 1, 1], "segmentation": []}),
    r"runs are of the size \[8, 6\]": coco({"segmentation": {"size": [8, 6], "counts": [48]}}),
    "runs have 49 pixels, and not 48": coco({"segmentation": RLE | {"counts": [1, 48]}}),
    "runs have 47 pixels": coco({"segmentation": RLE | {"counts": [0, 47]}}),
    "whole numbers from 0 to 48": coco({"segmentation": RLE | {"counts": [0, 10**30]}}),
    "must be whole numbers": coco({"segmentation": RLE | {"counts": [-1, 49]}}),
    "runs must be whole": coco({"segmentation": RLE | {"counts": [True, 47]}}),
    "runs must be": coco({"segmentation": RLE | {"counts": None}}),
    "the letters of its runs": coco({"segmentation": RLE | {"counts": ""}}),
    "letters of its": coco({"segmentation": RLE | {"counts": "\u00fc"}}),
    "letters of": coco({"segmentation": RLE | {"counts": "=33NN0220o"}}),
    "letters of its runs are more than 48 pixels have": coco({"segmentation": RLE | {"counts": "0" * 400}}),
    "a run has more than 48 pixels": coco({"segmentation": RLE | {"counts": "ooooooo1"}}),
    "runs must be from 0 to 48": coco({"segmentation": RLE | {"counts": "oooooo1"}}),
    "three points or more": coco({"segmentation": [[0, 0, 1, 1]]}),
    "a polygon must have": coco({"segmentation": [[0, 0, 1, 1, 2]]}),
    "polygon must have three": coco({"segmentation": [[0, 0, 1, 1, 2, float("inf")]]}),
    "points of a polygon must be numbers": coco({"segmentation": [["x"] * 6]}),
    "points of a polygon must": coco({"segmentation": [[10**400] * 6]}),
    "categories must be objects with an id": coco() | {"categories": [3]},
    "images must be objects with an id": coco(id="1"),
    "two images have the id 1|are both of the image 'a'": coco() | {"images": coco()["images"] * 2},
}
WRONG_STUDIO = {
    "is of no image": studio(image="b.jpg"),
    "'b.jpg' or 'https://x.org/b.jpg' is of no image": studio(image="https://x.org/b.jpg"),
    "a task is of no image": studio() + [{"data": {"image": 3}}],
    "are both of the image 'a'": studio() * 2,
    "is 9 x 6 pixels": studio(brush(OPAQUE, original_width=9)),
    "turned by 90 degrees": studio(brush(OPAQUE, image_rotation=90)),
    "no class is called 'tree'": studio(brush(OPAQUE, "tree")),
    "must have one label": studio(brush(OPAQUE) | {"value": {"rle": []}}),
    "does not tell which pixels are meant": studio({"type": "rectanglelabels", "value": {"x": 1}}),
    "does not tell": studio({"type": "brushlabels"}),
    "whole numbers from 0 to 255": studio(rle_result([256])),
    "must be bytes": studio(rle_result("abc")),
    "its brush ends early": studio(rle_result(brush(OPAQUE)["value"]["rle"][:-9])),
    "brush ends early": studio(rle_result([])),
    "brush has 4 values, and not 192": studio(brush([0, 0, 0, 0])),
    "brush has 4294967295 values": studio(rle_result([255] * 100)),
    "more than 192 values": studio(
        rle_result([*brush(OPAQUE)["value"]["rle"][:7], 0b1110_0000, 255, 255, 255, 255, 255])
    ),
    "values of 16 bits": studio(rle_result([0, 0, 0, 192, 0b0111_1000] + [0] * 9)),
    "pairs of numbers": studio(brush(OPAQUE) | {"value": {"points": [[1, 2, 3]], "labels": ["road"]}}),
    "annotations must be a list of objects": studio(annotations=3),
    "result must be a list of objects": studio(annotations=[{"result": [3]}]),
}
WRONG_CVAT = {
    "is of no image": cvat(image='name="b.png" width="8" height="6"'),
    "'' is of no image": cvat(image=""),
    "width must be a whole number": cvat(image='name="a" height="6"'),
    "is 8 x 60 pixels": cvat(image='name="a" width="8" height="60"'),
    "a mask of the image 'a': no class is called 'tree'": cvat(mask(label="tree")),
    "runs have 11 pixels, and not 12": cvat(mask("0, 5, 1, 5")),
    "runs must be whole numbers": cvat(mask("0, 5, 1, -6")),
    "runs are more than the 12 pixels of its box": cvat(mask("0," * 30 + "12")),
    "invalid literal": cvat(mask("")),
    "its box is not within": cvat(mask(box="5 1 4 3")),
    "box is not": cvat(mask(box="-1 1 4 3")),
    "box is": cvat(mask("0", box="0 0 0 0")),
    "only masks and polygons tell": cvat('<box label="road" xtl="0" ytl="0" xbr="1" ybr="1"/>'),
    "could not convert": cvat('<polygon label="road" points="x"/>'),
    "z_order must be": cvat(mask(order="top")),
    "is of a video": "<annotations><track/></annotations>",
    "holds annotations.xml, and none": '<svg><image name="a"/></svg>',
    "is no XML": "<annotations>",
    "is no XML: ": "",
    r"DOCTYPE": cvat(head='<!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;">]>'),
    r"\(DOCTYPE\), which": cvat(head='<!DOCTYPE a SYSTEM "file:///etc/passwd">'),
}


@pytest.mark.parametrize("message", WRONG_COCO)
def test_coco_that_makes_no_sense_is_refused(tmp_path, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, WRONG_COCO[message])


@pytest.mark.parametrize("message", WRONG_STUDIO)
def test_tasks_that_make_no_sense_are_refused(tmp_path, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, WRONG_STUDIO[message])


@pytest.mark.parametrize("message", WRONG_CVAT)
def test_xml_that_makes_no_sense_is_refused(tmp_path, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, WRONG_CVAT[message], "annotations.xml")


def test_documents_of_no_format_are_refused(tmp_path):
    for document in ["{}", "[]", "3", "[1]", '{"images": [], "annotations": {}, "categories": []}']:
        with pytest.raises(ValueError, match=r"holds annotations.json, and none of what is read here: COCO, CVAT"):
            read(tmp_path, document)
    for document in ["", "{", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]:
        with pytest.raises(ValueError, match="annotations.json is no JSON"):
            read(tmp_path, document)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds nothing"):
        annotations.read(tmp_path / "empty", {"a": (6, 8)}, background=0)
    with pytest.raises(FileNotFoundError, match="there is no"):
        annotations.read(tmp_path / "none", {"a": (6, 8)}, background=0)


def test_pictures_that_make_no_sense_are_refused(tmp_path):
    path, like = tmp_path / "a.png", {"a": (6, 8)}

    def refused(message, **more):
        with pytest.raises(ValueError, match=message):
            annotations.read(tmp_path, like, **{"class_names": NAMED, "background": 0} | more)

    PIL.Image.fromarray(3 * ROAD).save(path)
    refused("a pixel of a.png is 3, and classes are 0 to 2")
    PIL.Image.fromarray(ROAD[1:]).save(path)
    refused("is 8 x 5 pixels")
    PIL.Image.fromarray(np.stack([ROAD] * 3, axis=-1)).save(path)
    refused("has colours, and no labelmap.txt")
    path.write_bytes(b"no picture")
    refused("is no PNG image")
    PIL.Image.fromarray(ROAD).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    refused("a picture cannot be read")
    path.write_bytes(whole + bytes(2 << 20))
    refused("a.png has more than")
    path.write_bytes(whole)
    (tmp_path / "b.png").write_bytes(whole)
    refused("'b.png' is of no image")
    (tmp_path / "b.png").unlink()
    refused("background is 9", background=9)
    (tmp_path / "labelmap.txt").write_text("road")
    refused("labelmap.txt must have lines such as")
    (tmp_path / "labelmap.txt").write_text("road:1,2,3::\ncar:::\n")
    refused("labelmap.txt has colours of some labels, and none of 'car'")
    (tmp_path / "labelmap.txt").write_text("road:1,2,3::\n")
    (tmp_path / "SegmentationClass").mkdir()
    path.rename(tmp_path / "SegmentationClass/a.png")
    refused("has the grey value 1, and there are 1 labels")
    PIL.Image.fromarray(np.full((6, 8, 3), 7, np.uint8)).save(tmp_path / "SegmentationClass/a.png")
    refused("has the colour #070707, which labelmap.txt does not list")
    (tmp_path / "labelmap.txt").write_text("tree:7,7,7::\n")
    refused("no class is called 'tree'")


def zipped(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_zips_that_make_no_sense_are_refused(tmp_path, monkeypatch):
    path, like = tmp_path / "masks.zip", {"a": (6, 8)}
    document = json.dumps(coco({"segmentation": RLE | {"counts": [0, 48]}}))

    def refused(message):
        with pytest.raises(ValueError, match=message):
            annotations.read(path, like, class_names=NAMED, background=0)

    for name in ("../a.json", "/a.json", "b/../../a.json", "b\\a.json"):
        zipped(path, **{name: document})
        refused("whose name leads out of it")
    zipped(path, **{"a.json": document, "b.json": document})
    data = path.read_bytes()
    path.write_bytes(data.replace(b"b.json", b"a.json"))
    refused("twice")
    zipped(path, **{"a.json": document})
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes(9) + data[49:])
    refused("a.json (is damaged|cannot be read)")
    place = data.rindex(b"PK\x01\x02")
    for flags, method, message in [(1, 8, "is encrypted"), (0, 99, "cannot be read")]:
        path.write_bytes(data[: place + 8] + struct.pack("<HH", flags, method) + data[place + 12 :])
        refused(f"a.json {message}")
    path.write_bytes(data[:place] + data[place:].replace(b"PK\x01\x02", b"PK\x01\x09"))
    refused("is no zip that can be read")
    # What unpacks to more than a document may have is not unpacked.
    zipped(path, **{"a.json": " " * (1 << 20) + document})
    assert annotations.read(path, like, class_names=NAMED, background=0).labels.all()
    monkeypatch.setattr(_files.Zip.read, "__defaults__", (1 << 20,))
    refused("which are more than 1048576")
    zipped(path, **{"a.png": b"\x89PNG\r\n\x1a\n" + bytes(2 << 20)})
    refused("which are more than 1048960")


def test_whatever_is_damaged_is_a_value_error(tmp_path):
    """And nothing else, whatever byte it is."""
    random = np.random.default_rng(0)
    picture = io.BytesIO()
    PIL.Image.fromarray(ROAD).save(picture, "png")
    label_map = "background:0,0,0::\nroad:1,1,1::\n"
    runs = coco({"segmentation": {"size": [6, 8], "counts": "=33NN02200;"}})
    files = {
        "runs.json": json.dumps(runs).encode(),
        "rings.json": json.dumps(coco({"segmentation": [[2, 1, 6, 1, 6, 2, 2, 2]]})).encode(),
        "tasks.json": json.dumps(studio(brush(OPAQUE))).encode(),
        "annotations.xml": cvat(mask(), '<polygon label="car" points="0,0;3,0;3,2"/>').encode(),
        "a.png": picture.getvalue(),
        "runs.zip": zipped(tmp_path / "runs.zip", **{"runs.json": json.dumps(runs)}).read_bytes(),
        "masks.zip": zipped(
            tmp_path / "masks.zip", **{"labelmap.txt": label_map, "SegmentationClass/a.png": picture.getvalue()}
        ).read_bytes(),
    }
    refused = 0
    for name, data in files.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        path = tmp_path / "in" / name
        for _ in range(120):
            damaged = bytearray(data)
            for _ in range(random.integers(1, 4)):
                place = random.integers(0, len(damaged))
                kind = random.integers(0, 4)
                damaged[place : place + (0, 1, 9, len(damaged))[kind]] = random.bytes((3, 1, 0, 0)[kind])
                damaged = damaged or bytearray(b"?")
            path.write_bytes(damaged)
            try:
                annotations.read(path, {"a": (6, 8)}, class_names=NAMED, background=0)
            except ValueError:
                refused += 1
        path.unlink()
    assert refused > 400


def test_what_archives_hold_besides_is_passed_over(tmp_path):
    document = json.dumps(coco({"segmentation": RLE | {"counts": [0, 48]}}))
    files = {"annotations/instances_default.json": document, "images/default/a.jpg": b"", "__MACOSX/x.json": b"?"}
    path = zipped(tmp_path / "masks.zip", **files, **{".hidden/y.json": b"?"})
    found = annotations.read(path, {"a": (6, 8), "b": (6, 8)}, class_names=NAMED, background=0)
    assert found.labels[0].all() and not found.labels[1].any() and found.missing == ["b"]


def test_documents_of_several_parts_are_read(tmp_path):
    rows = coco({"segmentation": RLE | {"counts": [0, 48]}})
    path = zipped(
        tmp_path / "masks.zip",
        **{
            f"annotations/instances_{name}.json": json.dumps(
                rows | {"images": [rows["images"][0] | {"file_name": f"{name}.jpg"}]}
            )
            for name in ("train", "val")
        },
    )
    found = annotations.read(path, {"val": (6, 8), "train": (6, 8)}, class_names=NAMED, background=0)
    assert found.labels.all() and found.missing == []


def test_like_makes_sense(client, arrays, tmp_path):
    path = written(tmp_path, coco())
    with pytest.raises(TypeError, match="background is to say"):
        annotations.read(path, {"a": (6, 8)})
    with pytest.raises(TypeError, match=r"like is a segscore\.Job, or names"):
        annotations.read(path, ["a"])
    with pytest.raises(ValueError, match="at least 1"):
        annotations.read(path, {"a": (0, 8)}, background=0)
    job = client.submit(*arrays)
    with pytest.raises(ValueError, match="class_names are 3, and the job has 4 classes"):
        annotations.read(path, job, class_names=NAMED)
    with pytest.raises(TypeError, match="a list of strings"):
        annotations.read(path, job, class_names="abcd")
    volume = client.submit(arrays[0][None], np.moveaxis(arrays[1], 1, 0)[None])
    with pytest.raises(ValueError, match="two dimensions"):
        annotations.read(path, volume)
