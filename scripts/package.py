"""Packs the function's binary as Lambda and the Terraform module take it: a zip with one executable, bootstrap.

    python scripts/package.py BOOTSTRAP ZIP

The same binary gives the same zip, byte for byte, whenever and wherever it is packed.
"""

import sys
import zipfile
from pathlib import Path


def package(binary: Path, to: Path) -> None:
    # The oldest time that a zip can tell, in place of the file's own.
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    to.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr(entry, binary.read_bytes(), compresslevel=9)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    package(Path(sys.argv[1]), Path(sys.argv[2]))
    print(sys.argv[2])
