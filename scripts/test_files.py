"""Tests of what is neither Rust nor compiled: samples, recorded days, and the check of the binary.

Run by `make test`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

import check_glibc
import package

PROJECT = Path(__file__).resolve().parent.parent
EVENTS = PROJECT / "events"
TEMPLATE = (PROJECT / "template.yaml").read_text()
ROWS = "OrganizationConformancePackDetailedStatuses"


def load(name: str):
    return json.loads((EVENTS / name).read_text())


def day(number: int) -> dict[tuple[str, str], dict]:
    """One recorded day: (pack, account) → row."""
    files = sorted((EVENTS / f"demo/day-{number}").glob("*.json"))
    return {
        (file.stem, row["AccountId"]): row for file in files for row in json.loads(file.read_text())[ROWS]
    }


class Samples(unittest.TestCase):
    def test_env_file_sets_every_variable_of_the_template_and_no_other(self):
        declared = set(re.findall(r"^ {10}(PACKWATCH_\w+):", TEMPLATE, re.MULTILINE))
        self.assertEqual(set(load("env.json")["PackwatchFunction"]), declared)

    def test_the_schedulers_detail_is_a_string(self):
        self.assertEqual(load("scheduler.json")["detail"], "{}")
        self.assertEqual(load("scheduled.json")["detail"], {})

    def test_requests_name_only_known_fields(self):
        known = {"OrganizationConformancePackName", "Region", "Filters", "PaginationConfig", "DryRun"}
        for file in EVENTS.glob("request*.json"):
            self.assertLessEqual(set(load(file.name)), known, file.name)

    def test_the_makefile_builds_the_templates_function(self):
        self.assertIn("\nbuild-PackwatchFunction:", (PROJECT / "Makefile").read_text())
        self.assertIn("\n  PackwatchFunction:\n", TEMPLATE)


class Published(unittest.TestCase):
    """What the Serverless Application Repository is reported; its limits are those of its documentation."""

    def setUp(self):
        (text,) = re.findall(r"(?ms)^  AWS::ServerlessRepo::Application:\n(.*?)^  \S", TEMPLATE)
        self.told = yaml.safe_load(text)

    def test_the_version_is_the_crates(self):
        crate = tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]
        self.assertEqual(self.told["SemanticVersion"], crate["version"])
        self.assertIn(self.told["SpdxLicenseId"], crate["license"].split(" OR "))

    def test_the_files_exist_and_the_limits_are_kept(self):
        for name in ("LicenseUrl", "ReadmeUrl"):
            self.assertTrue((PROJECT / self.told[name]).is_file(), name)
        self.assertLessEqual(len(self.told["Description"]), 256)
        self.assertLessEqual(len(self.told["Labels"]), 10)
        self.assertRegex(self.told["Author"], r"^[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?$")


class RecordedDays(unittest.TestCase):
    def test_the_second_day_brings_what_the_demo_promises(self):
        before, after = day(1), day(2)
        failed = {key for key, row in after.items() if row["Status"].endswith("FAILED")}
        failed_before = {key for key, row in before.items() if row["Status"].endswith("FAILED")}
        codes = sorted(after[key]["ErrorCode"] for key in failed - failed_before)
        self.assertEqual(len(codes), 3)
        self.assertEqual(len(set(codes)), 2)
        self.assertEqual(len(failed_before), 2)
        self.assertEqual(len(failed_before - failed), 1, "recovered")
        self.assertEqual(len(after.keys() - before.keys()), 1, "joined")
        self.assertEqual(len(before.keys() - after.keys()), 1, "left")

    def test_what_is_in_progress_is_not_stuck_at_ten_o_clock(self):
        for number, date in ((1, 17), (2, 18)):
            now = datetime(2026, 11, date, 10, tzinfo=UTC)
            for key, row in day(number).items():
                age = now - datetime.fromisoformat(row["LastUpdateTime"])
                self.assertGreater(age, timedelta(0), key)
                if row["Status"].endswith("IN_PROGRESS"):
                    self.assertLess(age, timedelta(hours=2), key)

    def test_only_failures_carry_an_error(self):
        for row in [*day(1).values(), *day(2).values()]:
            self.assertEqual("ErrorCode" in row, row["Status"].endswith("FAILED"))
            self.assertEqual("ErrorMessage" in row, "ErrorCode" in row)


class Package(unittest.TestCase):
    def test_the_same_binary_gives_the_same_zip_with_an_executable_in_it(self):
        with tempfile.TemporaryDirectory() as name:
            binary, to = Path(name) / "built", Path(name) / "new/function.zip"
            binary.write_bytes(b"\x7fELF")
            subprocess.run(
                [sys.executable, package.__file__, binary, to], check=True, stdout=subprocess.DEVNULL
            )
            self.assertEqual(to.read_bytes(), package.packed(b"\x7fELF"))
            with zipfile.ZipFile(to) as archive:
                (entry,) = archive.infolist()
        self.assertEqual((entry.filename, oct(entry.external_attr >> 16)), ("bootstrap", "0o100755"))


class Glibc(unittest.TestCase):
    def test_the_processor_is_the_wanted_one(self):
        arm64 = b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00" + bytes(60)
        self.assertEqual(check_glibc.architecture(arm64), "arm64")
        with self.assertRaisesRegex(check_glibc.NotLambda, "built for arm64, not for x86_64"):
            check_glibc.check(arm64, "x86_64")
        with self.assertRaisesRegex(check_glibc.NotLambda, "another processor"):
            check_glibc.architecture(arm64.replace(b"\xb7", b"\x03"))

    def test_sam_build_compares_the_binary_with_the_template(self):
        arm64 = b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\x00" + bytes(60)
        with tempfile.TemporaryDirectory() as name:
            binary = Path(name) / "built"
            binary.write_bytes(arm64)
            told = subprocess.run(
                ["make", "build-PackwatchFunction", f"BOOTSTRAP={binary}", f"ARTIFACTS_DIR={name}"],
                check=False,
                cwd=PROJECT,
                env={
                    name: value
                    for name, value in os.environ.items()
                    if not name.startswith(("MAKE", "ARCH", "MFLAGS"))
                },
                capture_output=True,
                text=True,
            )
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("built for arm64, not for x86_64", told.stderr)
        self.assertIn("BUILDER=cargo-lambda ARCH=arm64 sam build", told.stderr)

    def test_finds_the_newest_version(self):
        names = {"GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.4", "GCC_3.0", "GLIBC_PRIVATE"}
        self.assertEqual(check_glibc.newest_glibc(names), (2, 34))
        self.assertIsNone(check_glibc.newest_glibc({"GCC_3.0"}))

    def test_refuses_what_lambda_cannot_start(self):
        for content in (b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(60), b"\x7fELF\x02\x01" + bytes(60)):
            with self.assertRaises(check_glibc.NotLambda):
                check_glibc.check(content, None)

    @unittest.skipUnless(sys.platform == "linux", "needs a compiler that makes Linux programs")
    def test_reads_what_the_compiler_made(self):
        with tempfile.TemporaryDirectory() as folder:
            source, plain, static = (Path(folder) / name for name in ("main.c", "plain", "static"))
            source.write_text('#include <stdio.h>\nint main(void) { puts(""); return 0; }\n')
            subprocess.run(["gcc", source, "-o", plain], check=True)
            subprocess.run(
                ["gcc", "-static", "-nostdlib", "-x", "c", "-", "-o", static],
                input=b"void _start(void) { for (;;); }\n",
                check=True,
            )
            self.assertTrue(
                any(name.startswith("GLIBC_2") for name in check_glibc.needed_versions(plain.read_bytes()))
            )
            self.assertEqual(check_glibc.needed_versions(static.read_bytes()), set())


if __name__ == "__main__":
    unittest.main()
