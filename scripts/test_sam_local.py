"""Tests of `sam_local.py` as far as they need no Docker. Run by `make test`."""

import io
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

import sam_local
from servers import Failed

LDD = """\tlinux-vdso.so.1 (0x00007ffc)
\tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x00007f51)
\tlibgone.so => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f52)
"""

TEMPLATE = """Resources:
  PackwatchFunction:
    Properties:
      Environment:
        Variables:
          PACKWATCH_TABLE:
            Ref: Table
"""


class SamLocal(unittest.TestCase):
    def test_the_libraries_of_a_program_are_those_that_have_a_path(self):
        wanted = {"/lib/x86_64-linux-gnu/libgcc_s.so.1", "/lib64/ld-linux-x86-64.so.2"}
        self.assertEqual(sam_local.libraries(LDD), wanted)
        self.assertEqual(sam_local.libraries("\tnot a dynamic executable\n"), set())

    def test_variables_are_declared_beside_those_of_the_template(self):
        declared = sam_local.declare(TEMPLATE, {"AWS_ENDPOINT_URL": ""})
        self.assertIn(
            "        Variables:\n          AWS_ENDPOINT_URL: ''\n          PACKWATCH_TABLE:\n", declared
        )

    def test_a_template_without_variables_is_refused(self):
        with self.assertRaises(Failed):
            sam_local.declare("Resources: {}\n", {"AWS_ENDPOINT_URL": ""})

    def test_a_server_of_this_machine_has_another_name_in_a_container(self):
        self.assertEqual(
            sam_local.for_containers("http://172.17.0.1:4600"), "http://host.docker.internal:4600"
        )

    def test_the_bridge_tells_its_gateway_or_only_its_subnet(self):
        told = '[{"IPAM": {"Config": [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.5"}]}}]'
        untold = '[{"IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}}]'
        self.assertEqual(sam_local.bridge_addresses(told), ["172.18.0.5"])
        self.assertEqual(sam_local.bridge_addresses(untold), ["172.17.0.1"])
        self.assertEqual(sam_local.bridge_addresses(""), [])

    def test_the_small_base_holds_files_and_no_links(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "program-1.2").write_bytes(b"program")
            (folder / "program").symlink_to("program-1.2")
            packed = sam_local.archive({"/bin/sh": folder / "program"})
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            self.assertEqual(tar.getnames(), ["bin/sh"])
            self.assertEqual(tar.extractfile("bin/sh").read(), b"program")

    def test_without_docker_it_says_so_and_succeeds(self):
        ran = subprocess.run(
            [sys.executable, sam_local.__file__],
            check=False,
            env={"PATH": "/nowhere"},
            capture_output=True,
            text=True,
        )
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertRegex(
            ran.stdout, r"\Asam-local: skipped, since it needs Docker: there is no docker command.*\n\Z"
        )


if __name__ == "__main__":
    unittest.main()
