"""Data that looks like a segmentation model's: coherent regions, a few mistakes, probabilities from a softmax."""

import io

import numpy as np


def arrays(images: int, classes: int, height: int, width: int) -> dict[str, np.ndarray]:
    """`labels` uint8 or uint16 and `pred_probs` float32; the model disagrees at edges and where labels are wrong."""
    random = np.random.default_rng(images * classes)
    labels = np.empty((images, height, width), np.uint8 if classes <= 256 else np.uint16)
    pred_probs = np.empty((images, classes, height, width), np.float32)
    rows, columns = np.mgrid[:height, :width]
    for image in range(images):
        centres = random.integers(0, max(height, width), (24, 2))
        distances = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in centres]
        truth = random.integers(0, classes, 24)[np.argmin(distances, axis=0)]
        logits = 2 * random.standard_normal((classes, -(-height // 4), -(-width // 4)), np.float32)
        logits = logits.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]
        logits += random.standard_normal(logits.shape, np.float32) / 4
        np.put_along_axis(logits, truth[None], np.take_along_axis(logits, truth[None], 0) + 5, 0)
        np.exp(logits, out=logits)
        pred_probs[image] = logits / logits.sum(axis=0)
        for _ in range(3):
            y, x = random.integers(0, height), random.integers(0, width)
            truth[y : y + height // 8, x : x + width // 8] = random.integers(0, classes)
        labels[image] = truth
    return {"labels": labels, "pred_probs": pred_probs}


def npz(named: dict[str, np.ndarray]) -> tuple[str, bytes]:
    """The media type, and a body as `np.savez` writes it."""
    file = io.BytesIO()
    np.savez(file, **named)
    return "application/x-npz", file.getvalue()


def form(named: dict[str, np.ndarray]) -> tuple[str, bytes]:
    """The media type, and a body that has a `.npy` file in each part."""
    body = io.BytesIO()
    for name, array in named.items():
        body.write(f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.npy"\r\n\r\n'.encode())
        np.save(body, array)
        body.write(b"\r\n")
    body.write(b"--edge--\r\n")
    return "multipart/form-data; boundary=edge", body.getvalue()


def json_text(named: dict[str, np.ndarray]) -> tuple[str, bytes]:
    """The media type, and a body whose numbers have as many digits as they need."""
    members = [f'"{name}":{nested(array)}' for name, array in named.items()]
    return "application/json", ("{" + ",".join(members) + "}").encode()


def nested(array: np.ndarray) -> str:
    """Nested lists. Numbers of float32 have the digits that float32 needs; `tolist` would write those of float64."""
    if array.ndim == 1:
        return "[" + ",".join(map(str, array)) + "]" if array.dtype != np.float32 else shortest(array)
    return "[" + ",".join(map(nested, array)) + "]"


def shortest(row: np.ndarray) -> str:
    return "[" + ",".join(np.format_float_positional(value, trim="0") for value in row) + "]"
