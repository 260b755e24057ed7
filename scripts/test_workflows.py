"""The workflows of GitHub Actions: nothing moves under them, and nothing may do more than it needs. Run by `make test`.

What the words mean to GitHub is `make workflows`' to check.
"""

import re
import tomllib
import unittest
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent
MANIFESTS = {"cargo": "Cargo.toml", "pip": "*.txt", "npm": "package.json"}
FILES = sorted((PROJECT / ".github/workflows").glob("*.yml"))


def jobs():
    for file in FILES:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield f"{file.name}, {name}", job


def version(text: str) -> list[int]:
    return [int(number) for number in text.split(".")]


class Workflows(unittest.TestCase):
    def test_there_are_workflows(self):
        self.assertEqual([file.name for file in FILES], ["ci.yml", "release.yml"])

    def test_actions_are_pinned_by_commit_and_say_their_version(self):
        for file in FILES:
            for used in re.findall(r"(?m)\buses: (.+)$", file.read_text()):
                self.assertRegex(
                    used, r"^(\./\S+|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$", file.name
                )

    def test_nothing_is_permitted_but_by_the_job_that_needs_it(self):
        for file in FILES:
            self.assertEqual(yaml.safe_load(file.read_text())["permissions"], {}, file.name)
        writing = {name for name, job in jobs() if "write" in job["permissions"].values()}
        self.assertEqual(writing, {"release.yml, publish"})

    def test_no_job_hangs_for_ever_or_keeps_its_credentials(self):
        for name, job in jobs():
            if "uses" in job:
                continue
            self.assertIn("timeout-minutes", job, name)
            for step in job["steps"]:
                if step.get("uses", "").startswith("actions/checkout@"):
                    self.assertIs(step["with"]["persist-credentials"], False, name)

    def test_the_bot_looks_into_every_folder_with_dependencies_and_groups_what_it_finds(self):
        updates = yaml.safe_load((PROJECT / ".github/dependabot.yml").read_text())["updates"]
        watched = {
            (update["package-ecosystem"], folder)
            for update in updates
            for folder in update.get("directories", [update.get("directory")])
        }
        for ecosystem, name in MANIFESTS.items():
            files = [file for pattern in (name, f"*/{name}") for file in PROJECT.glob(pattern)]
            self.assertTrue(files, name)
            for file in files:
                self.assertIn((ecosystem, str(Path("/", file.parent.relative_to(PROJECT)))), watched)
        for update in updates:
            if update["package-ecosystem"] != "rust-toolchain":
                self.assertIn("groups", update, update["package-ecosystem"])

    def test_what_a_release_is_built_with_is_pinned_by_hash_or_by_version(self):
        """Whoever replaced a package could put anything into what is attested."""
        text = (PROJECT / "requirements/release.txt").read_text()
        packages = re.findall(r"(?m)^\w\S*==.+(?:\n    --hash=.+)*$", text)
        self.assertIn("ziglang", text, "what they bring, too")
        for package in packages:
            self.assertRegex(package, r"^[\w-]+==[\d.]+ \\\n    --hash=sha256:[0-9a-f]{64}")
        release = (PROJECT / ".github/workflows/release.yml").read_text()
        for install in re.findall(r"pip\" install .+", release):
            self.assertIn("--require-hashes", install)
        makefile = (PROJECT / "Makefile").read_text()
        (install,) = re.findall(r"\tcargo install .+", makefile)
        self.assertEqual(install, "\tcargo install --locked --root .tools --version $(VERSION_$*) $*")
        for tool in set(re.findall(r"\.tools/bin/([a-z-]+)", makefile)):
            self.assertRegex(makefile, rf"(?m)^VERSION_{tool} := \d+\.\d+\.\d+$")

    def test_one_file_says_which_rust_it_is_developed_with(self):
        developed = tomllib.loads((PROJECT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
        oldest = tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]["rust-version"]
        self.assertRegex(developed, r"^\d+\.\d+\.\d+$")
        self.assertGreaterEqual(version(developed), version(oldest))
        for file in FILES:
            self.assertNotIn(developed, file.read_text(), file.name)

    def test_a_release_has_the_function_and_the_command_line_for_every_system(self):
        release = yaml.safe_load((PROJECT / ".github/workflows/release.yml").read_text())["jobs"]
        matrix = lambda job, name: [each[name] for each in release[job]["strategy"]["matrix"]["include"]]
        self.assertEqual(sorted(matrix("function", "arch")), ["arm64", "x86_64"])
        systems = [
            f"{arch}-{system}"
            for arch in ("aarch64", "x86_64")
            for system in ("apple-darwin", "unknown-linux-gnu")
        ]
        self.assertEqual(sorted(matrix("command-line", "target")), systems)
        self.assertEqual(release["publish"]["needs"], ["soak", "function", "command-line"])

    def test_the_readme_states_the_oldest_rust(self):
        oldest = tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]["rust-version"]
        self.assertIn(f"Rust {oldest} or newer", (PROJECT / "README.md").read_text())


if __name__ == "__main__":
    unittest.main()
