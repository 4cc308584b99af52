"""Resizing as PyTorch resizes contiguous float32 arrays on a processor: a definition to hold the program against."""

import hashlib

import numpy as np


def resized(values, height, width, mode, align_corners=False):
    """`values`, (..., h, w) of float32 or float64, as (..., height, width)."""
    rows = places(values.shape[-2], height, mode, align_corners, values.dtype.type)
    columns = places(values.shape[-1], width, mode, align_corners, values.dtype.type)
    if mode == "nearest":
        return values[..., rows[0], :][..., columns[0]]
    along = weighed(values[..., columns[0]], values[..., columns[1]], columns[2], columns[3])
    return weighed(along[..., rows[0], :], along[..., rows[1], :], rows[2][:, None], rows[3][:, None])


def weighed(lower, upper, lower_weight, upper_weight):
    return fused(lower, lower_weight, upper_weight * upper)


def fused(left, right, added):
    """left * right + added, rounded once. float64 has whole products of float32; of float64 the rest is added too."""
    if left.dtype == np.float32:
        return (left.astype(np.float64) * right + added).astype(np.float32)
    product = left * right
    (left, left_rest), (right, right_rest) = halves(left), halves(right)
    rest = ((left * right - product) + left * right_rest + left_rest * right) + left_rest * right_rest
    total = product + added
    back = total - product
    return total + (((product - (total - back)) + (added - back)) + rest)


def halves(values):
    """Two numbers of half as many digits, which add to a float64 (T. J. Dekker, 1971)."""
    much = values * 134217729.0
    upper = much - (much - values)
    return upper, values - upper


def places(count, wanted, mode, align_corners, real):
    """The two places that each of `wanted` values is made of, and their weights, rounded as PyTorch rounds them."""
    numbers = np.arange(wanted)
    if count == wanted:
        return numbers, numbers, np.ones(wanted, real), np.zeros(wanted, real)
    scale = real(count) / real(wanted)  # Of any type, whole places are those of float32.
    if mode == "nearest":
        lower = np.minimum((scale * numbers.astype(real)).astype(np.float32).astype(np.int64), count - 1)
        return lower, lower, np.ones(wanted, real), np.zeros(wanted, real)
    if align_corners:
        position = (real(count - 1) / real(wanted - 1) if wanted > 1 else real(0)) * numbers.astype(real)
    else:
        position = np.maximum(fused(numbers.astype(real) + real(0.5), scale, real(-0.5)), real(0))
    lower = np.minimum(position.astype(np.float32).astype(np.int64), count - 1)
    weight = np.clip(position - lower.astype(real), 0, 1).astype(real)
    return lower, np.minimum(lower + 1, count - 1), (real(1) - weight).astype(real), weight


#: The numbers of the made-up images whose checksums are in resized.json.
CASES = range(60)


def sample_of(case):
    """Made-up values, (2, 3, h, w), the size that is wanted, and how."""
    random = np.random.default_rng(case)
    height, width = (int(extent) for extent in random.integers(1, 90, 2))
    wanted = tuple(int(extent) for extent in random.integers(65, 200, 2))
    if case % 3 == 0:
        height, width = max(height, 17), max(width, 17)
        wanted = (4 * height, 4 * width)
    elif case % 7 == 0:
        height = wanted[0]
    mode = "nearest" if case % 4 == 3 else "bilinear"
    values = random.normal(size=(2, 3, height, width)).astype(np.float64 if case % 5 == 4 else np.float32)
    return values, wanted, mode, mode == "bilinear" and case % 2 == 1


def checksum(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
