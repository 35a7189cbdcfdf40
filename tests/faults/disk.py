"""What a power cut leaves: only what was synced, by the strictest rules that a file system may follow."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

Tree = dict[str, bytes | None]
"""Path below the root -> content; None for a folder."""


@dataclass
class Disk:
    """A folder whose every sync and rename is watched; at each, what would be left if the machine ended then."""

    root: Path
    after_kill: list[Tree] = field(default_factory=list)
    """A kill: all that was written is there."""
    after_cut: list[Tree] = field(default_factory=list)
    """A power cut: names and contents that were not synced are lost."""
    torn: list[Tree] = field(default_factory=list)
    """A power cut that the names outlived, but not what was written into the files."""
    _contents: dict[int, bytes] = field(default_factory=dict)
    _names: dict[int, dict[str, int]] = field(default_factory=dict)
    _open: list[int] = field(default_factory=list)

    def moment(self) -> None:
        """Keep what each kind of end would leave now."""
        self.after_kill.append(self._live(torn=False))
        self.torn.append(self._live(torn=True))
        self.after_cut.append(dict(self._durable(self.root.stat().st_ino, "")))

    def synced(self, descriptor: int) -> None:
        """A file's content, or a folder's names, are safe from now on."""
        inode = os.fstat(descriptor).st_ino
        if not Path(f"/proc/self/fd/{descriptor}").resolve().is_dir():
            self._contents[inode] = Path(f"/proc/self/fd/{descriptor}").read_bytes()
        else:
            self._names[inode] = {entry.name: entry.inode() for entry in os.scandir(descriptor)}
        self._open.append(os.dup(descriptor))  # its number must not be given to another file

    def all_is_safe(self) -> None:
        """Everything that is there now was there long ago."""
        for path in [self.root, *self.root.rglob("*")]:
            descriptor = os.open(path, os.O_RDONLY)
            self.synced(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    def _live(self, *, torn: bool) -> Tree:
        def content(path: Path) -> bytes | None:
            if path.is_dir():
                return None
            return self._contents.get(path.stat().st_ino, b"") if torn else path.read_bytes()

        return {str(path.relative_to(self.root)): content(path) for path in sorted(self.root.rglob("*"))}

    def _durable(self, folder: int, above: str) -> Iterator[tuple[str, bytes | None]]:
        for name, inode in self._names.get(folder, {}).items():
            if inode in self._contents:
                yield above + name, self._contents[inode]
            elif inode in self._names or self._was_folder(inode):
                yield above + name, None
                yield from self._durable(inode, f"{above}{name}/")
            else:
                yield above + name, b""

    def _was_folder(self, inode: int) -> bool:
        return any(path.is_dir() and path.stat().st_ino == inode for path in self.root.rglob("*"))


@contextlib.contextmanager
def watched(root: Path) -> Iterator[Disk]:
    """Watch all syncs and renames below a folder, of this process."""
    disk, fsync, rename = Disk(root), os.fsync, os.rename
    disk.all_is_safe()

    def synced(descriptor: int) -> None:
        disk.moment()
        fsync(descriptor)
        disk.synced(descriptor)

    def renamed(*names: object, **more: object) -> None:
        disk.moment()
        rename(*names, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", synced)
        patch.setattr(os, "rename", renamed)
        yield disk
        disk.moment()
    disk.close()


def laid_out(tree: Tree, folder: Path) -> Path:
    """A folder that holds just that."""
    folder.mkdir(parents=True)
    for name, content in sorted(tree.items()):
        if content is None:
            (folder / name).mkdir(parents=True, exist_ok=True)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder
