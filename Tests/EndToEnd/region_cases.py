"""Arrays whose regions are known, by connected-components-3d and SciPy."""

import cc3d
import numpy as np
import scipy.ndimage

from bodies import npz

JOINT = {"method": "num_pixel_issues"}


def disagreement(style, height, width, random):
    """Where the model contradicts the labels."""
    y, x = np.indices((height, width))
    depth = np.minimum(np.minimum(x, y), np.minimum(width - 1 - x, height - 1 - y))
    return {
        "noise": random.random((height, width)) < 0.3,
        "dense": random.random((height, width)) < 0.9,
        "stripes": y % 3 != 2,
        "columns": x % 2 == 0,
        "spiral": (depth % 2 == 0) | ((x == y + 1) & (x < width / 2)),
        "checkerboard": (x + y) % 2 == 0,
        "comb": (x % 2 == 0) | (y == height - 1),
        "full": np.ones((height, width), bool),
        "empty": np.zeros((height, width), bool),
        "blobs": scipy.ndimage.gaussian_filter(random.random((height, width)), 2) > 0.5,
    }[style]


def sample(style, space, classes, seed=0, images=2):
    """Arrays of a reduced request: labels, own, largest and predicted."""
    random = np.random.default_rng([seed, classes, *space])
    # Few labels, in patches, so that neighbours often are of one pair.
    patches = random.integers(0, min(classes, 3), (images, *(extent // 5 + 1 for extent in space)))
    labels = np.kron(patches, np.ones((1, 5, 5), int))[:, : space[0], : space[1]]
    labels = np.where(random.random(labels.shape) < 0.02, classes - 1, labels)
    wrong = np.stack([disagreement(style, *space, random) for _ in range(images)])
    predicted = np.where(wrong, (labels + 1) % classes, labels)
    largest = random.uniform(0.4, 1, labels.shape).astype(np.float32)
    own = np.where(wrong, largest * random.uniform(0, 1, labels.shape), largest).astype(np.float32)
    codes = np.uint16 if classes > 255 else np.uint8
    return {"labels": labels.astype(codes), "own": own, "largest": largest, "predicted": predicted.astype(codes)}


def expected(arrays, wanted=None, ignore_label=None):
    """The regions of the wanted pixels, found pair by pair, in the order of images and first pixels."""
    labels, predicted = arrays["labels"].astype(int), arrays["predicted"].astype(int)
    contradicts = labels != predicted
    if ignore_label is not None:
        contradicts &= labels != ignore_label
    around = np.pad(contradicts, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    height, width = labels.shape[1:]
    counts = np.logical_and.reduce([around[:, y : y + height, x : x + width] for y in range(3) for x in range(3)])
    own, largest = arrays["own"].astype(float), arrays["largest"].astype(float)
    mass = np.where(counts, np.log(np.maximum(largest, 1e-3) / np.maximum(own, 1e-3)) ** 2, 0)
    wanted = contradicts if wanted is None else wanted & contradicts
    found = []
    for image in range(len(labels)):
        pairs = np.where(wanted[image], labels[image] << 16 | predicted[image], 0)
        components, count = cc3d.connected_components(pairs.astype(np.uint32), connectivity=8, return_N=True)
        statistics = cc3d.statistics(components)
        for number in range(1, count + 1):
            rows, columns = statistics["bounding_boxes"][number]
            mask = components[rows, columns] == number
            first_y, first_x = np.argwhere(components == number)[0]
            inside = components == number
            depth = scipy.ndimage.distance_transform_cdt(np.pad(mask, 1), metric="chessboard").max()
            found.append(
                {
                    "id": f"{image}-{first_y}-{first_x}",
                    "image": image,
                    "given": int(labels[image][first_y, first_x]),
                    "suggested": int(predicted[image][first_y, first_x]),
                    "bbox": [columns.start, rows.start, mask.shape[1], mask.shape[0]],
                    "area": int(statistics["voxel_counts"][number]),
                    "thickness": int(depth),
                    "touches_border": bool(
                        rows.start == 0 or columns.start == 0 or rows.stop == height or columns.stop == width
                    ),
                    "mean_own": own[image][inside].mean(),
                    "mean_largest": largest[image][inside].mean(),
                    "mass": mass[image][inside].sum(),
                    "mask": mask,
                }
            )
    return sorted(found, key=lambda region: [int(number) for number in region["id"].split("-")])


def regions(client, job, **parameters):
    """All regions, page by page."""
    found, cursor = [], None
    while True:
        page = client.get(f"{job}/regions", params=parameters | ({} if cursor is None else {"cursor": cursor})).json()
        found += page["regions"]
        cursor = page["next"]
        if cursor is None:
            assert len(found) == page["total"]
            return found


def job_of(client, arrays, classes, **parameters):
    return client.scored(npz(**arrays), classes=classes, **parameters)["links"]["self"]
