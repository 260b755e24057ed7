"""docs/runbook.md against template.yaml: every alarm has its section, every section its alarm. Run by `make test`."""

import re
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
RUNBOOK = (PROJECT / "docs/runbook.md").read_text()
HEADINGS = re.findall(r"(?m)^#{2,3} (.+)$", RUNBOOK)


def alarms() -> set[str]:
    return set(
        re.findall(
            r"(?m)^  (\w+):\n    Type: AWS::CloudWatch::Alarm$", (PROJECT / "template.yaml").read_text()
        )
    )


def anchor(heading: str) -> str:
    """A heading's place in the page, as GitHub and its like name it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class Runbook(unittest.TestCase):
    def test_every_alarm_has_its_section(self):
        missing = alarms() - set(HEADINGS)
        self.assertEqual(
            missing,
            set(),
            "docs/runbook.md: add a section of that name below Alarms (what it means, look at, do)",
        )

    def test_every_section_has_its_alarm(self):
        told = {heading for heading in HEADINGS if re.fullmatch(r"\w+Alarm", heading)}
        self.assertGreaterEqual(len(told), 4)
        self.assertEqual(told - alarms(), set(), "docs/runbook.md has alarms that template.yaml lacks")

    def test_links_within_the_page_lead_somewhere(self):
        links = set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK))
        self.assertGreater(len(links), 4)
        self.assertEqual(links - {anchor(heading) for heading in HEADINGS}, set())

    def test_outputs_that_it_asks_for_exist(self):
        template = (PROJECT / "template.yaml").read_text().split("\nOutputs:\n")[1]
        asked = set(re.findall(r"\$\(output (\w+)\)", RUNBOOK))
        self.assertGreater(len(asked), 4)
        self.assertEqual(asked - set(re.findall(r"(?m)^  (\w+):$", template)), set())


if __name__ == "__main__":
    unittest.main()
