"""Makes what a release ships for one processor: a zip that deploys as it lies there, without a compiler.

    python scripts/dist.py BOOTSTRAP FOLDER

It holds one folder, laid out as the repository is, so that the documents' links lead where they should: the function,
the templates, the Terraform module and the documents. The same binary gives the same zip.
"""

import io
import sys
import tomllib
import zipfile
from pathlib import Path

import check_glibc
import package

PROJECT = Path(__file__).resolve().parent.parent
FUNCTION = "function.zip"
# Taken as they are: files, and patterns of files.
COPIED = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "deploy/*.yaml",
    "deploy/terraform/*.md",
    "deploy/terraform/*.tf",
    "docs/*.json",
    "docs/*.md",
]
ARCHITECTURE = """\
    Default: {}
    AllowedValues: [{}]
    Description: Processor of the function; the binary must have been built for it. Enter = {}.
"""


def version() -> str:
    return tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]["version"]


def replaced(text: str, changes: dict[str, str]) -> str:
    """The text with each change made at the one place that it is for."""
    for old, new in changes.items():
        if text.count(old) != 1:
            raise SystemExit(f"scripts/dist.py: expected once, found {text.count(old)} times: {old!r}")
        text = text.replace(old, new)
    return text


def template(arch: str) -> str:
    """template.yaml with the function as its code, for the one processor that it was built for."""
    return replaced(
        (PROJECT / "template.yaml").read_text(),
        {
            "      BuildMethod: makefile\n": "",
            "      CodeUri: .\n": f"      CodeUri: {FUNCTION}\n",
            ARCHITECTURE.format("x86_64", "x86_64, arm64", "x86_64"): ARCHITECTURE.format(arch, arch, arch),
        },
    )


def samconfig() -> str:
    """samconfig.toml without what is for a build."""
    sections = (PROJECT / "samconfig.toml").read_text().split("\n\n")
    kept = [section for section in sections if not section.startswith("[default.build.")]
    assert len(kept) == len(sections) - 1
    return "\n\n".join(kept)


def readme(arch: str) -> str:
    """deploy/dist/README.md at the root, where its links are shorter."""
    text = (PROJECT / "deploy/dist/README.md").read_text().replace("](../../", "](")
    return text.replace("{version}", version()).replace("{arch}", arch)


def contents(binary: bytes, arch: str) -> dict[str, bytes]:
    """Every file of the folder, by its name there."""
    copied = [file for pattern in COPIED for file in sorted(PROJECT.glob(pattern))]
    files = {str(file.relative_to(PROJECT)): file.read_bytes() for file in copied}
    made = {
        "README.md": readme(arch),
        "samconfig.toml": samconfig(),
        "template.yaml": template(arch),
    }
    files |= {name: text.encode() for name, text in made.items()}
    return files | {FUNCTION: package.packed(binary)}


def dist(binary: bytes, arch: str) -> tuple[str, bytes]:
    """The zip, and what it is called without its ending."""
    name = f"packwatch-{version()}-{arch}"
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        for file, content in sorted(contents(binary, arch).items()):
            package.add(archive, f"{name}/{file}", content)
    return name, to.getvalue()


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    binary = Path(sys.argv[1]).read_bytes()
    name, content = dist(binary, check_glibc.architecture(binary))
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    to = folder / f"{name}.zip"
    to.write_bytes(content)
    print(to)


if __name__ == "__main__":
    main()
