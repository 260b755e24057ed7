"""Packs the function's binary as Lambda and the Terraform module take it: a zip with one executable, bootstrap.

    python scripts/package.py BOOTSTRAP ZIP

The same binary gives the same zip, byte for byte, whenever and wherever it is packed.
"""

import io
import sys
import zipfile
from pathlib import Path

EXECUTABLE, PLAIN = 0o100755, 0o100644


def add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = PLAIN) -> None:
    """One file, with nothing in the archive that another machine or another time would change."""
    # The oldest time that a zip can hold, in place of the file's own.
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=9)


def packed(binary: bytes) -> bytes:
    """The function's zip."""
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        add(archive, "bootstrap", binary, EXECUTABLE)
    return to.getvalue()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    to = Path(sys.argv[2])
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(packed(Path(sys.argv[1]).read_bytes()))
    print(to)
