"""Reads exported archives with the tools' own readers.

Each `read_…` takes the bytes of an archive and returns, for each image by its name without a suffix, the list of its
masks: the class's name, the mask `(H, W)` of bool, and the attributes that the format carries. Readers are imported
where they are used, since no test needs all of them.
"""

import contextlib
import io
import json
import pathlib
import tempfile
import urllib.parse
import zipfile

import numpy as np


@contextlib.contextmanager
def unpacked(archive):
    """The folder that an archive unpacks to; every checksum has been compared by then."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(archive)) as file:
        assert len(set(file.namelist())) == len(file.namelist())
        file.extractall(folder)
        yield pathlib.Path(folder)


def paint(masks, names, shape):
    """The class of each pixel by its place in `names`, -1 of pixels in no mask. No pixel may be in two."""
    painted = np.full(shape, -1)
    for name, mask, _ in masks:
        assert mask.shape == shape
        assert not (painted[mask] >= 0).any()
        painted[mask] = names.index(name)
    return painted


def stem(path):
    return str(pathlib.PurePosixPath(path).with_suffix(""))


def read_coco(archive):
    """By pycocotools, which has to agree about areas and boxes."""
    from pycocotools import mask as masks
    from pycocotools.coco import COCO

    with unpacked(archive) as folder, contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(folder / "annotations" / "instances_default.json"))
    images = {}
    for image in coco.imgs.values():
        found = images.setdefault(stem(image["file_name"]), [])
        for annotation in coco.imgToAnns[image["id"]]:
            runs = coco.annToRLE(annotation)
            assert masks.area(runs) == annotation["area"]
            assert masks.toBbox(runs).tolist() == annotation["bbox"]
            name = coco.cats[annotation["category_id"]]["name"]
            found.append((name, masks.decode(runs).astype(bool), annotation.get("attributes", {})))
    return images


def _rasterised(points, shape):
    from pycocotools import mask as masks

    return masks.decode(masks.frPyObjects([list(points)], *shape))[:, :, 0].astype(bool)


def _read_by_datumaro(archive, form, without=()):
    from datumaro.components.annotation import AnnotationType
    from datumaro.components.dataset import Dataset

    def mask_of(annotation, item):
        if annotation.type == AnnotationType.mask:
            return np.array(annotation.image, bool)
        return _rasterised(annotation.points, item.media.size)

    images = {}
    with unpacked(archive) as folder:
        data = Dataset.import_from(str(folder), form)
        names = [label.name for label in data.categories()[AnnotationType.label].items]
        for item in data:
            assert item.id not in images
            images[item.id] = [
                (names[mask.label], mask_of(mask, item), dict(mask.attributes))
                for mask in item.annotations
                # A box stands beside each of COCO's masks.
                if mask.type in (AnnotationType.mask, AnnotationType.polygon) and names[mask.label] not in without
            ]
    return images


def read_coco_by_datumaro(archive):
    return _read_by_datumaro(archive, "coco_instances")


def read_datumaro(archive):
    return _read_by_datumaro(archive, "datumaro")


def read_cvat(archive):
    return _read_by_datumaro(archive, "cvat")


def read_cvat_by_sdk(archive):
    """By CVAT's SDK, whose points of a mask are the runs and the box."""
    from xml.etree import ElementTree

    from cvat_sdk.masks import decode_mask

    with unpacked(archive) as folder:
        root = ElementTree.parse(folder / "annotations.xml").getroot()
    images = {}
    for image in root.iter("image"):
        width, height = int(image.get("width")), int(image.get("height"))
        found = images.setdefault(stem(image.get("name")), [])
        for mask in image.iter("mask"):
            left, top, across, down = (int(mask.get(name)) for name in ("left", "top", "width", "height"))
            runs = [int(run) for run in mask.get("rle").split(",")]
            assert sum(runs) == across * down
            box = [left, top, left + across - 1, top + down - 1]
            bitmap = decode_mask(runs + box, image_width=width, image_height=height)
            attributes = {attribute.get("name"): attribute.text or "" for attribute in mask.iter("attribute")}
            found.append((mask.get("label"), np.array(bitmap, bool), attributes))
    return images


def read_cvat_mask(archive):
    """Without the background, which CVAT makes no masks of."""
    return _read_by_datumaro(archive, "voc_segmentation", without=["background"])


def read_cvat_mask_by_pillow(archive):
    """By colours alone: datumaro cannot hold numbers of classes above 255."""
    import PIL.Image

    images = {}
    with unpacked(archive) as folder:
        names = {}
        for line in (folder / "labelmap.txt").read_text("utf-8").splitlines():
            if not line.startswith("#"):
                name, colour, _, _ = line.split(":")
                names[tuple(int(sample) for sample in colour.split(","))] = name
        for stem in (folder / "ImageSets" / "Segmentation" / "default.txt").read_text("utf-8").splitlines():
            picture = np.array(PIL.Image.open(folder / "SegmentationClass" / f"{stem}.png").convert("RGB"))
            colours = np.unique(picture.reshape(-1, 3), axis=0)
            found = [(names[tuple(colour.tolist())], (picture == colour).all(2), {}) for colour in colours]
            images[stem] = [mask for mask in found if mask[0] != "background"]
    return images


def read_label_studio(archive):
    """By Label Studio's converter; its SDK has to take each prediction under the labelling configuration."""
    from label_studio_sdk.converter.brush import decode_rle
    from label_studio_sdk.label_interface import LabelInterface

    images = {}
    with unpacked(archive) as folder:
        interface = LabelInterface((folder / "labeling_config.xml").read_text("utf-8"))
        tasks = json.loads((folder / "tasks.json").read_text("utf-8"))
    for task in tasks:
        (prediction,) = task["predictions"]
        errors = interface.validate_prediction(prediction, return_errors=True)
        assert not errors, errors
        path = urllib.parse.unquote(task["data"]["image"].partition("?d=")[2])
        found = images.setdefault(stem(path.removeprefix("images/")), [])
        for result in prediction["result"]:
            (name,) = result["value"]["brushlabels"]
            pixels = decode_rle(result["value"]["rle"])
            pixels = pixels.reshape(result["original_height"], result["original_width"], 4)
            assert (pixels == pixels[:, :, :1]).all()
            assert np.isin(pixels, [0, 255]).all()
            found.append((name, pixels[:, :, 3] > 0, result.get("meta", {})))
    return images


def read_labelme(archive):
    """By labelme, which wants the pictures."""
    import os

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from labelme._label_file import LabelFile

    images = {}
    with unpacked(archive) as folder:
        for path in sorted(folder.rglob("*.json")):
            file = LabelFile(str(path))
            head = json.loads(path.read_text("utf-8"))
            found = images.setdefault(stem(path.relative_to(folder)), [])
            for shape in file.shapes:
                mask = np.zeros((head["imageHeight"], head["imageWidth"]), bool)
                assert shape["shape_type"] == "mask"
                (left, top), (right, bottom) = np.array(shape["points"]).astype(int)
                mask[top : bottom + 1, left : right + 1] = shape["mask"]
                found.append((shape["label"], mask, shape["other_data"].get("segscore", {})))
    return images


def read_geojson(archive, shapes):
    """By shapely, to which each geometry has to be valid.

    `shapes` are those of the images by name, which GeoJSON does not tell.
    """
    import shapely
    import shapely.geometry

    images = {}
    with unpacked(archive) as folder:
        for path in sorted(folder.rglob("*.geojson")):
            name = stem(path.relative_to(folder))
            found = images.setdefault(name, [])
            for feature in json.loads(path.read_text("utf-8"))["features"]:
                geometry = shapely.geometry.shape(feature["geometry"])
                assert geometry.is_valid
                properties = feature["properties"]
                y, x = np.indices(shapes[name])
                mask = shapely.contains_xy(geometry, x + 0.5, y + 0.5)
                assert mask.sum() == geometry.area
                attributes = properties.get("measurements", {}) | properties.get("metadata", {})
                found.append((properties["classification"]["name"], mask, attributes))
    return images


def read_fiftyone(archive):
    """By Pillow: FiftyOne reads the grey values as they are."""
    import PIL.Image

    images = {}
    with unpacked(archive) as folder:
        targets = json.loads((folder / "mask_targets.json").read_text("utf-8"))
        for path in sorted((folder / "labels").rglob("*.png")):
            values = np.array(PIL.Image.open(path))
            found = images.setdefault(stem(path.relative_to(folder / "labels")), [])
            for value in np.unique(values[values > 0]):
                found.append((targets[str(value)], values == value, {}))
    return images
