"""What is left of files when the power goes: all that was synced, and of the rest what the disk happened to have.

A directory's names are sure only once the directory was synced, whatever was done to the files; a file's bytes once the
file was. ext4 and xfs promise somewhat more, since they keep the order of names: what holds here holds there.
"""

import dataclasses
import pathlib
import random

import faults


@dataclasses.dataclass(eq=False)
class File:
    """A file's bytes as they surely are, and what was done to them since."""

    sure: bytes = b""
    since: list = dataclasses.field(default_factory=list)

    def sync(self):
        self.sure, self.since = self.bytes(lambda: True), []

    def bytes(self, is_kept):
        """What is there when of the changes only those are kept."""
        data = bytearray(self.sure)
        for offset, written in self.since:
            if not is_kept():
                continue
            if written is None:
                del data[offset:]
                data.extend(bytes(offset - len(data)))
            else:
                data.extend(bytes(max(0, offset - len(data))))
                data[offset : offset + len(written)] = written
        return bytes(data)


FOLDER = object()
NAMES = "names"


@dataclasses.dataclass
class Disk:
    """The files beneath a root, itself sure to be there, after what a log says was done."""

    root: str
    # What each path surely is, and the changes of each folder's names since it was synced: path and what it is now.
    sure: dict = dataclasses.field(default_factory=dict)
    since: dict = dataclasses.field(default_factory=dict)
    now: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)

    def do(self, record):
        """Does what a record says."""
        if not record.name.startswith(self.root + "/") and record.name != self.root:
            return
        match record.operation:
            case faults.CREATED:
                self.files[record.file] = File()
                self.name(record.name, self.files[record.file])
            case faults.WRITTEN if record.file in self.files:
                self.files[record.file].since.append((record.offset, record.data))
            case faults.TRUNCATED if record.file in self.files:
                self.files[record.file].since.append((record.offset, None))
            case faults.SYNCED if record.file in self.files:
                self.files[record.file].sync()
            case faults.DIRECTORY_SYNCED:
                for path, what in self.since.pop(record.name, []):
                    self.sure[path] = what
            case faults.RENAMED:
                what = self.now.get(record.name)
                self.name(record.name, None)
                self.name(record.target, what)
            case faults.UNLINKED | faults.REMOVED:
                self.name(record.name, None)
            case faults.MADE:
                self.name(record.name, FOLDER)

    def name(self, path, what):
        self.now[path] = what
        self.since.setdefault(str(pathlib.Path(path).parent), []).append((path, what))

    def leave(self, target, rest=None):
        """Makes in a folder what is left when the power goes now.

        That is what is sure, and of the rest nothing, all `NAMES` and none of the bytes, or some, with a seed.
        """
        chance = random.Random(rest)

        def is_kept():
            return rest not in (None, NAMES) and chance.random() < 0.5

        paths = dict(self.sure)
        for changes in self.since.values():
            paths |= {path: what for path, what in changes if rest == NAMES or is_kept()}
        for path, what in sorted(paths.items()):
            place = pathlib.Path(target, pathlib.Path(path).relative_to(self.root))
            # A name in a folder whose own name is lost is lost with it.
            if what is None or not place.parent.is_dir():
                continue
            if what is FOLDER:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(what.bytes(is_kept))
