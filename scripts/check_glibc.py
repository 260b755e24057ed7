"""Checks that a Lambda binary starts in `provided.al2023`: its processor and the GLIBC that it asks for.

    python3 scripts/check_glibc.py target/lambda/packwatch/bootstrap [--arch x86_64|arm64]

A binary that was linked on a newer system than the Lambda's fails there only, at its first start. So the versions
that it needs are read from the file itself (section `.gnu.version_r`, found through the dynamic table).
"""

import argparse
import struct
import sys
from pathlib import Path

NEWEST = (2, 34)  # in provided.al2023
MACHINES = {"x86_64": 62, "arm64": 183}
HINT = """\
cargo-lambda links for the right C library and for either processor (`pip install cargo-lambda`):
    BUILDER=cargo-lambda ARCH=x86_64 sam build
    BUILDER=cargo-lambda ARCH=arm64 sam build      # deploy it with the parameter Architecture=arm64
A binary that is already built: BOOTSTRAP=PATH sam build, with ARCH=arm64 if it is for arm64."""
PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_STRTAB, DT_VERNEED, DT_VERNEEDNUM = 0, 5, 0x6FFFFFFE, 0x6FFFFFFF


class NotLambda(Exception):
    """The file is not something that Lambda could start."""


def segments(elf: bytes) -> list[tuple[int, int, int, int]]:
    """Every program header: type, offset in the file, address, size in the file."""
    (table,) = struct.unpack_from("<Q", elf, 0x20)
    size, count = struct.unpack_from("<HH", elf, 0x36)
    found = []
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", elf, table + index * size)
        found.append((kind, offset, address, length))
    return found


def dynamic_table(elf: bytes, headers: list[tuple[int, int, int, int]]) -> dict[int, int]:
    """The dynamic table as tag → value; empty for a static binary."""
    tags: dict[int, int] = {}
    for kind, offset, _, length in headers:
        if kind == PT_DYNAMIC:
            for tag, value in struct.iter_unpack("<QQ", elf[offset : offset + length]):
                if tag == DT_NULL:
                    break
                tags[tag] = value
    return tags


def in_file(address: int, headers: list[tuple[int, int, int, int]]) -> int:
    """Where in the file lies what the loader puts at `address`."""
    for kind, offset, start, length in headers:
        if kind == PT_LOAD and start <= address < start + length:
            return offset + address - start
    raise NotLambda(f"the address {address:#x} is in no segment of the file")


def text(elf: bytes, position: int) -> str:
    """The zero-terminated string at `position`."""
    return elf[position : elf.index(b"\0", position)].decode()


def needed_versions(elf: bytes) -> set[str]:
    """The names of the symbol versions that the binary needs, such as GLIBC_2.34."""
    headers = segments(elf)
    tags = dynamic_table(elf, headers)
    if DT_VERNEED not in tags:
        return set()
    strings = in_file(tags[DT_STRTAB], headers)
    names = set()
    library = in_file(tags[DT_VERNEED], headers)
    for _ in range(tags[DT_VERNEEDNUM]):
        _, count, _, first, following = struct.unpack_from("<HHIII", elf, library)
        version = library + first
        for _ in range(count):
            _, _, _, name, next_version = struct.unpack_from("<IHHII", elf, version)
            names.add(text(elf, strings + name))
            version += next_version
        library += following
    return names


def newest_glibc(names: set[str]) -> tuple[int, ...] | None:
    """The newest GLIBC among the version names; none for a static binary."""
    numbers = [name.removeprefix("GLIBC_").split(".") for name in names if name.startswith("GLIBC_2")]
    return max((tuple(int(part) for part in number) for number in numbers), default=None)


def machine(elf: bytes) -> int:
    """The processor's number in the ELF header."""
    if len(elf) < 64 or elf[:6] != b"\x7fELF\x02\x01":
        raise NotLambda("it is not a 64-bit Linux program")
    return struct.unpack_from("<H", elf, 0x12)[0]


def architecture(elf: bytes) -> str:
    """The processor that the binary is built for, as Lambda calls it."""
    number = machine(elf)
    for name, its_number in MACHINES.items():
        if number == its_number:
            return name
    raise NotLambda("it is built for another processor, not for x86_64 or arm64")


def check(elf: bytes, arch: str | None) -> str:
    """One line that says why the binary is fit for Lambda; raises `NotLambda` when it is not."""
    built_for = architecture(elf)
    if arch and arch != built_for:
        raise NotLambda(f"it is built for {built_for}, not for {arch}")
    newest = newest_glibc(needed_versions(elf))
    if newest is None:
        return f"{built_for}, static"
    if newest > NEWEST:
        raise NotLambda(
            f"it needs GLIBC {'.'.join(map(str, newest))}, and provided.al2023 has {'.'.join(map(str, NEWEST))}"
        )
    return f"{built_for}, GLIBC {'.'.join(map(str, newest))} or newer"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path)
    parser.add_argument("--arch", choices=sorted(MACHINES))
    arguments = parser.parse_args()
    try:
        print(f"{arguments.binary}: {check(arguments.binary.read_bytes(), arguments.arch)}")
    except (NotLambda, OSError) as error:
        print(
            f"{arguments.binary} would not start in Lambda: {error}.\n{HINT}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
