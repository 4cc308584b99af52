"""Mistakes that are put into right masks, so that the truth of a set is known by construction.

It is weaker evidence than masks that people got wrong: the kinds of mistakes, their sizes and how often they occur are
our choice, and of classes that are neither labelled nor predicted the probability has to be guessed. In return, nothing
but the mistakes tells the wrong masks from the right ones, such as how hard an image is.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import ndimage  # type: ignore[import-untyped]

from evidence import Classes, Flags, Floats, MaskSet, Pixels, class_probability

BACKGROUND = 0

# An object of fewer pixels is hardly seen, and neither is what is done to it.
LEAST_AREA = 64

# By how many pixels an object grows or shrinks: by more than annotators differ along an edge.
WIDTHS = range(3, 6)

# By how many pixels an object moves, down or up and to the right or left.
SHIFTS = range(6, 13)

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)

# Takes a mask, an object in it and the number of classes, and returns the mask with a mistake.
Mistake = Callable[[Classes, Flags, int, np.random.Generator], Classes]


def drop(labels: Classes, is_object: Flags, class_count: int, random: np.random.Generator) -> Classes:
    """An object that the annotator has not seen."""
    return np.where(is_object, BACKGROUND, labels).astype(labels.dtype)


def relabel(labels: Classes, is_object: Flags, class_count: int, random: np.random.Generator) -> Classes:
    """An object that the annotator has taken for another: each of its classes becomes another foreground class."""
    step = int(random.integers(1, class_count - 1))
    other = 1 + (labels.astype(np.int64) - 1 + step) % (class_count - 1)
    return np.where(is_object, other, labels).astype(labels.dtype)


def dilate(labels: Classes, is_object: Flags, class_count: int, random: np.random.Generator) -> Classes:
    """An object with too much round it, of the class that most of it has."""
    grown = ndimage.binary_dilation(is_object, EIGHT_NEIGHBOURS, int(random.choice(WIDTHS)))
    most = int(np.bincount(labels[is_object]).argmax())
    return np.where(grown & (labels == BACKGROUND), most, labels).astype(labels.dtype)


def erode(labels: Classes, is_object: Flags, class_count: int, random: np.random.Generator) -> Classes:
    """An object of which only the inside is labelled."""
    shrunk = ndimage.binary_erosion(is_object, EIGHT_NEIGHBOURS, int(random.choice(WIDTHS)), border_value=1)
    return np.where(is_object & ~shrunk, BACKGROUND, labels).astype(labels.dtype)


def move(labels: Classes, is_object: Flags, class_count: int, random: np.random.Generator) -> Classes:
    """An object beside its place; what leaves the image is lost."""
    rows, columns = np.nonzero(is_object)
    classes = labels[is_object]
    down, right = random.choice(SHIFTS, 2) * random.choice([-1, 1], 2)
    rows, columns = rows + down, columns + right
    inside = (rows >= 0) & (rows < labels.shape[0]) & (columns >= 0) & (columns < labels.shape[1])
    moved = drop(labels, is_object, class_count, random)
    moved[rows[inside], columns[inside]] = classes[inside]
    return moved


def injected(masks: MaskSet, random: np.random.Generator) -> MaskSet:
    """The right masks of a set, half of which get one mistake each.

    An object is an 8-connected region of labels other than the background, which may be several that touch. The kinds
    of mistakes take turns; with two classes none is relabelled. A mask without an object stays right.

    Parameters
    ----------
    masks
        A set with right masks.
    random
        Decides which masks, which objects and how far.
    """
    kinds: list[Mistake] = [drop, dilate, erode, move]
    if masks.class_count > 2:
        kinds.append(relabel)
    chosen = np.flatnonzero(~masks.wrong)
    arrays = {name: getattr(masks, name)[chosen] for name in ("own", "largest", "predicted", "labels")}
    right = dataclasses.replace(
        masks,
        name=f"{masks.name} injected",
        **arrays,
        wrong=np.zeros(len(chosen), bool),
        image=np.unique(masks.image[chosen], return_inverse=True)[1],
    )
    labels, own, wrong = right.labels.copy(), right.own.copy(), right.wrong.copy()
    pixels = list(right.masks())
    for index in random.permutation(len(right)):
        count = int(wrong.sum())
        objects = _objects(pixels[index])
        if count == len(right) // 2 or not objects:
            continue
        is_object = objects[random.integers(len(objects))]
        mistaken = kinds[count % len(kinds)](labels[index], is_object, masks.class_count, random)
        changed = (mistaken != labels[index]) & pixels[index].kept
        if changed.any():
            labels[index] = np.where(changed, mistaken, labels[index])
            own[index] = _own_of(pixels[index], labels[index], masks.class_count)
            wrong[index] = True
    return dataclasses.replace(right, labels=labels, own=own, wrong=wrong)


def _objects(pixels: Pixels) -> list[Flags]:
    regions, count = ndimage.label((pixels.labels != BACKGROUND) & pixels.kept, EIGHT_NEIGHBOURS)
    areas = np.bincount(regions.ravel(), minlength=count + 1)
    return [regions == region for region in range(1, count + 1) if areas[region] >= LEAST_AREA]


def _own_of(pixels: Pixels, labels: Classes, class_count: int) -> Floats:
    """The probability of other labels than those that `pixels` has."""
    own = pixels.own.copy()
    for label in np.unique(labels[labels != pixels.labels]).tolist():
        has_become = (labels == label) & (labels != pixels.labels)
        own[has_become] = class_probability(pixels, label, class_count)[has_become]
    return own
