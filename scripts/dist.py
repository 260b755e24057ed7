"""Makes what a release ships for one processor: a zip that deploys as it lies there, without a compiler.

    python scripts/dist.py BOOTSTRAP FOLDER

It holds one folder, laid out as the repository is, so that the documents' links lead where they should: the function,
the templates and the Terraform module set to it, and the documents. The same binary gives the same zip.
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
    "deploy/slack.yaml",
    "deploy/terraform/*.md",
    "deploy/terraform/*.tf",
    "deploy/terraform/*.tftpl",
    "docs/*.json",
    "docs/*.md",
]
BOTH = "    Default: x86_64\n    AllowedValues: [x86_64, arm64]\n"
BOTH_IN_TERRAFORM = 'contains(["x86_64", "arm64"], var.architecture)'


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
            BOTH: f"    Default: {arch}\n    AllowedValues: [{arch}]\n",
        },
    )


def variables(arch: str) -> str:
    """The module's variables, for that processor. Its `package` finds the function by itself."""
    return replaced(
        (PROJECT / "deploy/terraform/variables.tf").read_text(),
        {
            '  default     = "x86_64"\n': f'  default     = "{arch}"\n',
            BOTH_IN_TERRAFORM: f'var.architecture == "{arch}"',
            '"architecture must be x86_64 or arm64."': f'"This release is for {arch} only."',
        },
    )


def samconfig() -> str:
    """samconfig.toml without what is for a build."""
    sections = (PROJECT / "samconfig.toml").read_text().split("\n\n")
    kept = [section for section in sections if not section.startswith("[default.build.")]
    assert len(kept) == len(sections) - 1
    return "\n\n".join(kept)


def readme(arch: str) -> str:
    text = (PROJECT / "deploy/dist/README.md").read_text()
    return text.replace("{version}", version()).replace("{arch}", arch)


def contents(binary: bytes, arch: str) -> dict[str, bytes]:
    """Every file of the folder, by its name there."""
    copied = [file for pattern in COPIED for file in sorted(PROJECT.glob(pattern))]
    files = {str(file.relative_to(PROJECT)): file.read_bytes() for file in copied}
    made = {
        "README.md": readme(arch),
        "samconfig.toml": samconfig(),
        "template.yaml": template(arch),
        "deploy/terraform/variables.tf": variables(arch),
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
