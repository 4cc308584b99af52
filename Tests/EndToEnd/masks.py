"""Masks as PNG images: as Pillow writes them, by hand where it does not, and forms of them."""

import io
import struct
import zlib

import numpy as np
import PIL.Image

from bodies import BOUNDARY, Body, npy

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The first column and row of each pass of Adam7, and the steps to the next.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def head(width, height, depth=8, colour=0, interlaced=False):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))


def by_hand(mask, depth=8, interlaced=False, colour=0, chunks=b""):
    """A mask `(H, W)`, or `(H, W, channels)` of colours, in any depth and with Adam7."""
    height, width = mask.shape[:2]
    rows = b""
    for left, top, across, down in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        for row in mask[top::down, left::across]:
            if row.size:
                samples = row.reshape(-1).astype(">u2").view(np.uint8).reshape(-1, 2)
                bits = np.unpackbits(samples, axis=1)[:, 16 - depth :]
                rows += b"\0" + np.packbits(bits.reshape(-1)).tobytes()
    ahead = head(width, height, depth, colour, interlaced) + chunks
    return SIGNATURE + ahead + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND")


def saved(image, **options):
    target = io.BytesIO()
    image.save(target, "png", **options)
    return target.getvalue()


def grey(mask):
    return saved(PIL.Image.fromarray(mask.astype(np.uint16 if mask.max() > 255 else np.uint8)))


def bilevel(mask):
    return saved(PIL.Image.fromarray(mask.astype(bool)))


def palette(mask, bits=8):
    image = PIL.Image.fromarray(mask.astype(np.uint8)).convert("P")
    image.putpalette(np.random.default_rng(3).integers(0, 256, 3 << bits).astype(np.uint8).tobytes())
    assert np.array_equal(np.asarray(image), mask)
    return saved(image, bits=bits, transparency=0)


def coloured(mask, colours, alpha=False):
    pixels = np.array(colours, np.uint8)[mask]
    if alpha:
        pixels = np.dstack([pixels, np.full(mask.shape, 255, np.uint8)])
    return saved(PIL.Image.fromarray(pixels))


def form(files, pred_probs=None, parameters=(), media_type="image/png", probabilities_first=False, array="pred_probs"):
    """A form with each file as a part `labels`."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in parameters]
    for index, file in enumerate(files):
        fields = f'Content-Disposition: form-data; name="labels"; filename="mask{index}.png"\r\n'
        parts.append(f"{fields}Content-Type: {media_type}\r\n\r\n".encode() + file)
    if pred_probs is not None:
        fields = f'Content-Disposition: form-data; name="{array}"; filename="{array}.npy"\r\n\r\n'
        parts.insert(0 if probabilities_first else len(parts), fields.encode() + npy(pred_probs))
    data = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return Body(data + f"--{BOUNDARY}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
