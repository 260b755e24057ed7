"""What a release ships for one processor, made of a binary that is none. Run by `make test`; `make e2e DIST=1` deploys it."""

import io
import re
import tarfile
import unittest
import zipfile
from pathlib import Path

import dist
import dist_cli
import templates

ARM64 = b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00" + bytes(60)
PROJECT = Path(__file__).resolve().parent.parent


class Dist(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.name, content = dist.dist(ARM64, "arm64")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            cls.names = archive.namelist()
            cls.files = {name.partition("/")[2]: archive.read(name) for name in cls.names}
        cls.template = templates.parsed(cls.files["template.yaml"])

    def test_it_is_one_folder_named_for_version_and_processor(self):
        self.assertEqual(self.name, f"packwatch-{dist.version()}-arm64")
        self.assertEqual({name.partition("/")[0] for name in self.names}, {self.name})

    def test_the_template_has_the_function_as_its_code_and_compiles_nothing(self):
        function = self.template["Resources"]["PackwatchFunction"]
        self.assertNotIn("BuildMethod", function["Metadata"])
        with zipfile.ZipFile(io.BytesIO(self.files[function["Properties"]["CodeUri"]])) as code:
            self.assertEqual(code.read("bootstrap"), ARM64)

    def test_nobody_can_deploy_it_for_another_processor(self):
        architecture = self.template["Parameters"]["Architecture"]
        self.assertEqual((architecture["Default"], architecture["AllowedValues"]), ("arm64", ["arm64"]))

    def test_the_terraform_module_finds_the_function(self):
        (path,) = re.findall(
            r'coalesce\(var\.package, "\$\{local\.folder\}/([^"]+)"\)',
            self.files["deploy/terraform/main.tf"].decode(),
        )
        self.assertIn(path, self.files)

    def test_nothing_else_differs_from_the_repository(self):
        for name in self.files.keys() - {"README.md", "samconfig.toml", "template.yaml", "function.zip"}:
            self.assertEqual(self.files[name], (PROJECT / name).read_bytes(), name)
        self.assertEqual(
            self.template["Outputs"].keys(), templates.parsed(dist.template("x86_64"))["Outputs"].keys()
        )

    def test_what_the_repository_application_asks_for_is_there(self):
        told = self.template["Metadata"]["AWS::ServerlessRepo::Application"]
        self.assertIn(told["LicenseUrl"], self.files)
        self.assertIn(told["ReadmeUrl"], self.files)

    def test_the_readme_is_one_screen_and_its_links_lead_somewhere(self):
        readme = self.files["README.md"].decode()
        self.assertLessEqual(len(readme.splitlines()), 50)
        self.assertNotRegex(readme, r"\{(version|arch)\}")
        for link in re.findall(r"\]\((?!https:)([^)#]+)", readme):
            self.assertIn(link, self.files)

    def test_the_same_binary_gives_the_same_zip(self):
        self.assertEqual(dist.dist(ARM64, "arm64"), dist.dist(ARM64, "arm64"))

    def test_a_change_of_the_template_that_it_does_not_find_stops_it(self):
        with self.assertRaisesRegex(SystemExit, "expected once, found 0 times"):
            dist.replaced("CodeUri: .", {"CodeUri: here": "there"})


class CommandLine(unittest.TestCase):
    def test_the_same_program_gives_the_same_archive_with_an_executable_in_it(self):
        content = dist_cli.packed(b"program", "packwatch-cli-1.0.0-here")
        self.assertEqual(content, dist_cli.packed(b"program", "packwatch-cli-1.0.0-here"))
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            self.assertEqual(
                {name.partition("/")[0] for name in archive.getnames()}, {"packwatch-cli-1.0.0-here"}
            )
            program = archive.getmember("packwatch-cli-1.0.0-here/packwatch")
            self.assertEqual((program.mode, archive.extractfile(program).read()), (0o755, b"program"))


if __name__ == "__main__":
    unittest.main()
