"""Writes the fixtures in this folder. Needs NumPy 2, ml_dtypes and safetensors: python make_fixtures.py"""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

here = Path(__file__).parent
SCALARS = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
]


class Pipe(io.RawIOBase):
    """A target that cannot seek."""

    def __init__(self):
        self.content = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.content += bytes(data)
        return len(data)


def array(dtype):
    return np.arange(6).reshape(2, 3).astype(dtype)


def save(name, value, version=(1, 0)):
    with open(here / name, "wb") as file:
        np.lib.format.write_array(file, value, version=version)


for scalar in SCALARS:
    save(f"{scalar}.npy", array(scalar))
for version in 1, 2, 3:
    save(f"version{version}.npy", array("<f4"), (version, 0))
save("bfloat16.npy", array(ml_dtypes.bfloat16))
save("big_endian.npy", array(">f8"))
save("fortran.npy", np.asfortranarray(array("<i2")))
save("scalar.npy", np.float64(0.5))
save("empty.npy", np.zeros((2, 0, 3), "<f4"))
save("two_bytes.npy", np.zeros(3, "V2"))
save("text.npy", np.array(["a"]))
save("fields.npy", np.zeros(3, [("a", "<f4"), ("b", "<i8")]))
with open(here / "object.npy", "wb") as file:
    np.save(file, np.array([None]), allow_pickle=True)

# As Python 2 wrote its long integers.
text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }".ljust(117) + b"\n"
(here / "python2.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + array("<f4").tobytes())

# Deflate has something to do here, and the content is longer than a short chunk.
labels = (np.arange(2 * 8 * 8) % 3).reshape(2, 8, 8).astype("uint8")
pred_probs = (np.arange(2 * 3 * 8 * 8) % 16 / 16).reshape(2, 3, 8, 8).astype("<f4")
arrays = {"labels": labels, "pred_probs": pred_probs}
np.savez(here / "stored.npz", **arrays)
np.savez_compressed(here / "deflated.npz", **arrays)
for name, write in ("stored", np.savez), ("deflated", np.savez_compressed):
    pipe = Pipe()
    write(pipe, **arrays)
    (here / f"{name}_pipe.npz").write_bytes(pipe.content)
    if name == "stored":
        # The same with descriptors that have no signature.
        unsigned = bytes(pipe.content).replace(b"PK\x07\x08", b"")
        (here / "unsigned_descriptor.npz").write_bytes(unsigned)
pipe = Pipe()
with zipfile.ZipFile(pipe, "w") as archive:
    for name, value in arrays.items():
        file = io.BytesIO()
        np.save(file, value)
        archive.writestr(f"{name}.npy", file.getvalue())
(here / "narrow_descriptor.npz").write_bytes(pipe.content)
with zipfile.ZipFile(here / "commented.npz", "w") as archive:
    archive.comment = b"PK\x05\x06 is not the end"
with zipfile.ZipFile(here / "empty.npz", "w"):
    pass
with zipfile.ZipFile(here / "bzip2.npz", "w", zipfile.ZIP_BZIP2) as archive:
    archive.writestr("labels.npy", b"abc")
with zipfile.ZipFile(here / "empty_entry.npz", "w") as archive:
    archive.writestr("nothing", b"")

save_file(
    {name: array(name) for name in SCALARS} | {"bfloat16": array(ml_dtypes.bfloat16)}, here / "scalars.safetensors"
)

members = [gzip.compress(b"first " * 100, mtime=0), gzip.compress(b"second", mtime=0)]
(here / "members.gz").write_bytes(b"".join(members))

# Small files that decompress to large ones; the archive does not say so in front.
zeros = np.zeros(4 << 20, "uint8")
pipe = Pipe()
np.savez_compressed(pipe, labels=zeros)
(here / "zeros_pipe.npz").write_bytes(pipe.content)
np.savez_compressed(here / "zeros.npz", labels=zeros)
(here / "zeros.gz").write_bytes(gzip.compress(zeros.tobytes(), mtime=0))
