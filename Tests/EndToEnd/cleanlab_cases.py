"""Seeded cases for `test_cleanlab.py`: a case's number decides all of it, and every listed value takes its turn."""

import collections
import dataclasses

import numpy as np

import bodies

COUNT = 264
LARGEST = 2_500_000  # Probabilities in a case.
LARGEST_JSON = 4_000  # The same, where the request or the answer is JSON.

LABEL_TYPES = [
    "?",
    "i1",
    "u1",
    *(order + kind for kind in ("i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8") for order in "<>"),
]

# A column's values come round in blocks, each of which is shuffled anew.
COLUMNS = {
    "size": [
        (1, 1),
        (1, 37),
        (23, 1),
        (5, 7),
        (8, 8),
        (16, 9),
        (31, 33),
        (20, 48),
        (63, 65),
        (64, 64),
        (97, 40),
        (1, 200),
        (200, 3),
        (120, 160),
        (199, 101),
        (200, 200),
    ],
    "images": [1, 2, 3, 4, 5, 6],
    "classes": [1, 2, 2, 3, 5, 12, 21, 40, 300],
    "probabilities": ["softmax", "softmax", "flat", "eighths", "sixteenths", "ratios", "hard", "tiny", "equal"],
    "pred_type": ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"],
    "pred_layout": ["C", "F"],
    "label_layout": ["C", "F"],
    "label_pick": range(len(LABEL_TYPES)),
    "noise": [0, 0.03, 0.1, 0.3, 1],
    "present": ["all", "all", "half", "one"],
    "form": list(bodies.FORMS),
    "transport": ["plain", "plain", "gzip", "chunked"],
    "labels_first": [True, False],
    "way": ["query", "before", "after"],
    "temperature": [0.01, 0.1, 0.5, 1, 5],
    "downsample": [1, 1, 1, 2, 3, 4, 8],
    "threshold": [None, 0.1, 0.5],
    "ignored": [None] * 27 + ["255", "-1", "a class"],
    "answer": ["npz"] * 5 + ["json"],
}
Chosen = collections.namedtuple("Chosen", COLUMNS)
TALLY = collections.Counter()  # What `test_cleanlab.py` saw.
EXACT_IN_BLOCKS = ("eighths", "sixteenths", "hard")


def turn(column, number):
    values = COLUMNS[column]
    block, place = divmod(number, len(values))
    shuffled = np.random.default_rng([list(COLUMNS).index(column), block]).permutation(len(values))
    return values[shuffled[place]]


@dataclasses.dataclass(frozen=True)
class Case:
    number: int
    images: int
    classes: int
    height: int
    width: int
    chosen: Chosen
    ignore_label: int | None
    label_type: str

    def __str__(self):
        shape = f"{self.images}x{self.classes}x{self.height}x{self.width}"
        ignoring = "" if self.ignore_label is None else f"-ignoring_{self.ignore_label}"
        chosen = self.chosen
        return f"{self.number}-{shape}-{chosen.pred_type}-{chosen.probabilities}-by_{chosen.downsample}{ignoring}"

    @property
    def has_exact_blocks(self):
        """Whether sums over blocks and classes are exact in any order, so that equal scores are equal for everyone."""
        chosen = self.chosen
        if chosen.downsample == 1:
            return True
        dyadic = chosen.downsample != 3 and self.ignore_label is None
        return dyadic and ("f2" in chosen.pred_type or chosen.probabilities in EXACT_IN_BLOCKS)

    @property
    def arrays(self):
        """The arrays as they are sent."""
        return draw(self)

    def parameters(self, method):
        """The parameters, without those that have their default."""
        chosen = self.chosen
        parameters = {} if method == "softmin" else {"method": method, "downsample": chosen.downsample}
        parameters |= {"temperature": chosen.temperature, "threshold": chosen.threshold}
        parameters["ignore_label"] = self.ignore_label
        if chosen.answer == "json":
            names = ["image_scores", "pixel_scores"] + ["issues"] * (chosen.threshold is not None)
            parameters["include"] = ",".join(names + ["label_issues"] * (method != "softmin"))
        defaults = {"downsample": 1, "temperature": 0.1}
        return {name: value for name, value in parameters.items() if value not in (None, defaults.get(name))}

    def request(self, method, labels, pred_probs):
        """A body, and the parameters that go into the query beside it."""
        chosen = self.chosen
        arrays = {"labels": labels, "pred_probs": pred_probs}
        if not chosen.labels_first:
            arrays = dict(reversed(arrays.items()))
        query, members = self.parameters(method), {}
        if chosen.way != "query" and chosen.form in ("json", "multipart"):
            query, members = {}, query
        ahead, behind = (members, {}) if chosen.way == "before" else ({}, members)
        if chosen.form == "json":
            body = bodies.json_body(**ahead, **arrays, **behind)
        elif chosen.form == "multipart":
            end = bodies.multipart(behind.items(), **arrays)
            body = bodies.Body(bodies.multipart(ahead.items(), closed=False).data + end.data, end.fields)
        else:
            body = bodies.FORMS[chosen.form](**arrays)
        if chosen.transport == "gzip":
            body = bodies.gzipped(body)
        elif chosen.transport == "chunked":
            body = bodies.chunked(body, len(body.data) // 37 + 1)
        return body, query


def case(number):
    chosen = {column: turn(column, number) for column in COLUMNS}
    (height, width), images, classes, size = (*(chosen[c] for c in ("size", "images", "classes", "downsample")),)
    largest = LARGEST_JSON if "json" in (chosen["form"], chosen["answer"]) else LARGEST
    while images * classes * height * width > largest and max(images, height, width) > 1:
        if images > 1:
            images //= 2
        elif height > width:
            height //= 2
        else:
            width //= 2
    height, width = (max(extent // size, 1) * size for extent in (height, width))
    ignored = {None: None, "255": 255, "-1": -1, "a class": number % classes}[chosen["ignored"]]
    values = {0, classes - 1, 0 if ignored is None else ignored}
    label_types = [kind for kind in LABEL_TYPES if all(np.array(value).astype(kind) == value for value in values)]
    label_type = label_types[chosen["label_pick"] % len(label_types)]
    return Case(number, images, classes, height, width, Chosen(**chosen), ignored, label_type)


def draw(case):
    chosen, size = case.chosen, case.chosen.downsample
    random = np.random.default_rng(case.number)
    shape = (case.images, case.height, case.width)
    present = random.permutation(case.classes)
    present = present[: {"all": case.classes, "half": (case.classes + 1) // 2, "one": 1}[chosen.present]]

    patch = max(size, 4)
    patches = random.choice(present, (case.images, -(-case.height // patch), -(-case.width // patch)))
    labels = patches.repeat(patch, axis=1).repeat(patch, axis=2)[:, : case.height, : case.width]
    block_shape = (case.images, case.height // size, case.width // size)
    elsewhere = random.integers(0, case.classes, block_shape)
    elsewhere[random.random(block_shape) >= chosen.noise] = -1
    elsewhere = elsewhere.repeat(size, axis=1).repeat(size, axis=2)
    seen = np.where(elsewhere < 0, labels, elsewhere)
    labels = np.where(random.random(shape) < 0.05, random.choice(present, shape), labels)
    if case.ignore_label is not None:
        labels[random.random(shape) < 0.2] = case.ignore_label
        labels[:, : case.height // 2, : case.width // 2] = case.ignore_label
        if case.images > 1:
            labels[-1] = case.ignore_label

    weights = random.random((case.images, case.classes, case.height, case.width)) ** 2 * 0.6 + 1e-3
    at_seen = np.take_along_axis(weights, seen[:, None], axis=1) + random.random((case.images, 1, *shape[1:]))
    np.put_along_axis(weights, seen[:, None], at_seen, axis=1)
    probabilities = draw_probabilities(chosen.probabilities, weights, random)
    if size > 1 and chosen.probabilities not in ("softmax", "flat"):
        # Sums of float32 values are exact, so that equal classes of a block stay equal, in whatever order they are
        # added; and no block is all zeros, which cleanlab divides by their sum.
        probabilities = probabilities.astype(np.float32)
        probabilities[:, 0][probabilities.sum(axis=1) == 0] = 2**-20
    return {
        "labels": np.array(labels.astype(case.label_type), order=chosen.label_layout),
        "pred_probs": np.array(probabilities.astype(chosen.pred_type), order=chosen.pred_layout),
    }


def draw_probabilities(kind, weights, random):
    """Probabilities of (N, K, H, W) weights between 0 and 1.6."""
    shares = weights / weights.sum(axis=1, keepdims=True)
    if kind == "softmax":
        powers = np.exp(6 * weights)
        return powers / powers.sum(axis=1, keepdims=True)
    if kind == "flat":
        return shares
    if kind == "eighths":  # Many ties, and a pixel's sum is not 1.
        return np.minimum(np.rint(weights * 8) / 8, 1)
    if kind == "sixteenths":  # Many ties, and a pixel's sum is 1.
        return np.moveaxis(random.multinomial(16, np.moveaxis(shares, 1, -1)), -1, 1) / 16
    if kind == "ratios":  # Many ties between values that are not round, and between classes.
        steps = np.rint(weights * 4) + 1
        return steps / steps.sum(axis=1, keepdims=True)
    if kind == "hard":
        return np.moveaxis(np.eye(weights.shape[1])[weights.argmax(axis=1)], -1, 1)
    if kind == "tiny":  # Around 1e-6 and 2e-6, which bound thresholds from below.
        return np.array([0, 5e-7, 1e-6, 2e-6])[np.rint(np.minimum(weights, 1) * 3).astype(int)]
    assert kind == "equal"
    return np.broadcast_to(shares[:1, :, :1, :1], shares.shape)


def summary():
    """One line about what was compared."""
    return (
        "cleanlab: {cases} cases, {pixels} pixels; scores tied at the cut in {ties}, of which it took others in "
        "{other_ties}; it counts other issues than in float64 and one batch: in float16 in {float16_otherwise} of "
        "{float16} cases, in float32 in {float32_otherwise} of {float32}, in its default batches in "
        "{batched_otherwise} of {batched}"
    ).format_map(TALLY)
