"""The module in deploy/terraform: it deploys template.yaml, and its README names what the template has. Run by `make test`.

`terraform validate` runs where Terraform and its provider can be had.
"""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import hcl2

import dist
import templates
from templates import PROJECT

MODULE = PROJECT / "deploy/terraform"
README = (MODULE / "README.md").read_text()


def blocks(text: str) -> dict:
    options = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)
    return hcl2.loads(text, serialization_options=options)


def named(kind: str, content: dict) -> dict[str, dict]:
    return {name: body for block in content.get(kind, []) for name, body in block.items()}


class Module(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.source = (MODULE / "main.tf").read_text()
        cls.module = blocks(cls.source)
        cls.examples = [blocks(text) for text in re.findall(r"(?s)```hcl\n(.*?)```", README)]

    def test_the_template_is_small_enough_to_go_inline(self):
        """CloudFormation takes 51,200 bytes; the rest is for those who add to it."""
        for text in ((PROJECT / "template.yaml").read_text(), dist.template("arm64")):
            self.assertLess(len(text.encode()), 45_000)

    def test_the_code_takes_its_place_in_the_template(self):
        (pattern,) = re.findall(r'"/(\(\?m\).+)/"', self.source)
        for text in ((PROJECT / "template.yaml").read_text(), dist.template("arm64")):
            replaced, times = re.subn(pattern, r"\1 s3://bucket/key", text)
            self.assertEqual(times, 1)
            function = templates.parsed(replaced)["Resources"]["PackwatchFunction"]
            self.assertEqual(function["Properties"]["CodeUri"], "s3://bucket/key")

    def test_the_files_that_it_reads_are_in_the_repository_and_in_a_release(self):
        for name in re.findall(r"\$\{local\.folder\}/([\w.]+)", self.source):
            self.assertIn(name, dist.contents(b"", "arm64"))
        self.assertTrue((MODULE / "../../template.yaml").is_file())

    def test_the_readmes_names_are_those_of_the_templates(self):
        template, slack = templates.load("template.yaml"), templates.load("deploy/slack.yaml")
        module = named("module", self.examples[0])["packwatch"]
        self.assertLessEqual(module.keys() - {"source"}, named("variable", self.module).keys())
        self.assertLessEqual(module["parameters"].keys(), template["Parameters"].keys())
        channel = named(
            "aws_cloudformation_stack",
            {
                "aws_cloudformation_stack": [
                    block["aws_cloudformation_stack"] for block in self.examples[1]["resource"]
                ]
            },
        )["slack"]
        self.assertLessEqual(channel["parameters"].keys(), slack["Parameters"].keys())
        outputs = set(re.findall(r'\.outputs\["(\w+)"\]', README))
        self.assertLessEqual(outputs, template["Outputs"].keys())
        self.assertEqual(outputs, {"AlertsTopicArn"})

    def test_terraform_takes_it(self):
        if not shutil.which("terraform"):
            self.skipTest("there is no Terraform here")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name, "deploy/terraform")
            folder.mkdir(parents=True)
            shutil.copy(MODULE / "main.tf", folder)
            shutil.copy(PROJECT / "template.yaml", name)

            def terraform(*command: str) -> subprocess.CompletedProcess:
                return subprocess.run(
                    ["terraform", *command, "-no-color"],
                    check=False,
                    cwd=folder,
                    capture_output=True,
                    text=True,
                )

            formatted = terraform("fmt", "-check", "-diff")
            self.assertEqual(formatted.returncode, 0, formatted.stdout)
            if terraform("init", "-backend=false", "-input=false").returncode != 0:
                self.skipTest("Terraform cannot get its provider here")
            validated = terraform("validate")
            self.assertEqual(validated.returncode, 0, validated.stdout + validated.stderr)


if __name__ == "__main__":
    unittest.main()
