"""Request bodies: the forms in which arrays are sent."""

import dataclasses
import gzip
import io
import json
import struct
import zipfile
import zlib

import numpy as np
import requests
import safetensors.numpy

BOUNDARY = "a-line-between-parts"


@dataclasses.dataclass(frozen=True)
class Body:
    data: bytes
    fields: dict = dataclasses.field(default_factory=dict)

    def with_type(self, media_type):
        return Body(self.data, self.fields | {"Content-Type": media_type})


class Unseekable(io.RawIOBase):
    """A target that cannot seek, as a pipe: the archive gets data descriptors."""

    def __init__(self):
        self.parts = []

    def writable(self):
        return True

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


def npy(array, version=(1, 0)):
    target = io.BytesIO()
    np.lib.format.write_array(target, np.asanyarray(array), version=version)
    return target.getvalue()


def npy_header(descr, shape, fortran_order=False):
    """A version 1 header alone, with whatever it says."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran_order}, 'shape': {shape!r}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin-1")


def npz(compressed=False, **arrays):
    """What `np.savez` writes, members in the order given."""
    target = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(target, **arrays)
    return Body(target.getvalue(), {"Content-Type": "application/x-npz"})


def npz_deflated(**arrays):
    return npz(compressed=True, **arrays)


def npz_streamed(compressed=False, **arrays):
    target = Unseekable()
    (np.savez_compressed if compressed else np.savez)(target, **arrays)
    return Body(b"".join(target.parts), {"Content-Type": "application/x-npz"})


def npz_streamed_deflated(**arrays):
    return npz_streamed(compressed=True, **arrays)


def archive(members, compression=zipfile.ZIP_DEFLATED):
    """A zip of any members: pairs of name and bytes, or name and chunks of bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as file:
        for name, chunks in members:
            with file.open(name, "w", force_zip64=True) as member:
                for chunk in [chunks] if isinstance(chunks, bytes) else chunks:
                    member.write(chunk)
    return Body(target.getvalue(), {"Content-Type": "application/x-npz"})


def safetensors_file(**arrays):
    """What the package `safetensors` writes: the widest elements first, then by name."""
    return safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def safetensors_of(tensors, metadata=None):
    """A safetensors file of any tensors, in the order given: names, and each's type, shape and bytes."""
    header, data = {} if metadata is None else {"__metadata__": metadata}, b""
    for name, (dtype, shape, elements) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(elements)]}
        data += elements
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors_in_order(**arrays):
    """The same as `safetensors_file`, but for the order, which is the one given."""
    whole = safetensors_file(**arrays)
    size = struct.unpack_from("<Q", whole)[0]
    header = json.loads(whole[8 : 8 + size])
    return safetensors_of(
        {
            name: (
                header[name]["dtype"],
                header[name]["shape"],
                whole[8 + size + header[name]["data_offsets"][0] : 8 + size + header[name]["data_offsets"][1]],
            )
            for name in arrays
        }
    )


def safetensors_body(**arrays):
    return Body(safetensors_file(**arrays), {"Content-Type": "application/vnd.safetensors"})


def multipart(parts=(), closed=True, **arrays):
    """A form with arrays as file parts, then text `parts`: pairs of name and value."""
    lines = []
    for name, array in arrays.items():
        data = array if isinstance(array, bytes) else npy(array)
        head = (
            f'Content-Disposition: form-data; name="{name}"; filename="{name}.npy"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        lines.append(head.encode() + data)
    for name, value in parts:
        lines.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
    data = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + line + b"\r\n" for line in lines)
    if closed:
        data += f"--{BOUNDARY}--\r\n".encode()
    return Body(data, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})


def json_body(**members):
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in members.items()}
    return json_text(json.dumps(plain))


def json_text(text):
    return Body(text.encode(), {"Content-Type": "application/json"})


def gzipped(body):
    return Body(gzip.compress(body.data), body.fields | {"Content-Encoding": "gzip"})


def gzip_of_zeros(byte_count):
    """A gzip stream of zeros, without the zeros ever in memory."""
    squeeze = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    parts = [squeeze.compress(block) for _ in range(byte_count >> 20)]
    return b"".join(parts) + squeeze.flush()


def chunked(body, size):
    """The body's bytes as an iterator, which `requests` sends chunked."""
    return Body((body.data[start : start + size] for start in range(0, len(body.data), size)), body.fields)


FORMS = {
    "npz": npz,
    "npz deflated": npz_deflated,
    "npz streamed": npz_streamed,
    "npz streamed deflated": npz_streamed_deflated,
    "safetensors": safetensors_body,
    "multipart": multipart,
    "json": json_body,
}


def arrays_of(answer: requests.Response):
    """The members of an npz answer."""
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def array_of(answer):
    """The array of an npy answer."""
    return np.load(io.BytesIO(answer.content), allow_pickle=False)
