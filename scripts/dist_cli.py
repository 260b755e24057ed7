"""Packs the command line as a release ships it: an archive with the program and its licences.

    python scripts/dist_cli.py PROGRAM TARGET FOLDER

TARGET is the triple that the program was built for. The same program gives the same archive.
"""

import gzip
import io
import sys
import tarfile
from pathlib import Path

import dist
import package

COPIED = ("CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT")


def add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    """One file, with nothing in the archive that another machine or another time would change."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = mode & 0o777
    archive.addfile(entry, io.BytesIO(content))


def packed(program: bytes, name: str) -> bytes:
    """The archive, with one folder of that name."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        add(archive, f"{name}/packwatch", program, package.EXECUTABLE)
        for file in COPIED:
            add(archive, f"{name}/{file}", (dist.PROJECT / file).read_bytes(), package.PLAIN)
    return gzip.compress(plain.getvalue(), mtime=0)


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    program, target, folder = sys.argv[1:]
    name = f"packwatch-cli-{dist.version()}-{target}"
    Path(folder).mkdir(parents=True, exist_ok=True)
    to = Path(folder) / f"{name}.tar.gz"
    to.write_bytes(packed(Path(program).read_bytes(), name))
    print(to)


if __name__ == "__main__":
    main()
