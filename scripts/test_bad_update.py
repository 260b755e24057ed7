"""The story that docs/messages.md shows in pictures, told by the program that `make test` built."""

import os
import re
import tempfile
import unittest
from pathlib import Path

from bad_update import ACCOUNTS, CAUSES, FAILED_BY, BadUpdate

PROJECT = Path(__file__).resolve().parent.parent
PACKWATCH = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")) / "debug/packwatch"
FAILED = sum(accounts for accounts, *_ in CAUSES)


@unittest.skipUnless(PACKWATCH.exists(), "needs target/debug/packwatch")
class Story(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.messages = BadUpdate(folder, PACKWATCH).messages

    def test_few_messages_tell_it_and_every_failure_has_its_end(self):
        self.assertIn(len(self.messages), range(3, 7))
        for topic in ("Failed", "Recovered"):
            told = sum(message.document["Counts"].get(topic, 0) for message in self.messages)
            self.assertEqual(told, FAILED, topic)
        last = self.messages[-1]
        self.assertIn(f"none of {ACCOUNTS} failed", last.subject)
        self.assertEqual(last.document["Severity"], "resolved")

    def test_what_is_not_failed_any_more_has_recovered_or_is_in_progress(self):
        left = FAILED
        for message in self.messages:
            left -= message.document["Counts"].get("Recovered", 0)
            pack = message.document["Packs"][0]
            if message.document["Severity"] == "resolved":
                self.assertIn(left, range(pack["Failed"], pack["Failed"] + pack["InProgress"] + 1))

    def test_the_documentation_has_its_timeline(self):
        told = []
        for message in self.messages:
            section = message.document["Sections"][0]
            words = f"{section['Accounts']} {section['Topic'].lower()}"
            told.append((f"{message.at:%H:%M}", message.document["Severity"], words))
        lines = re.findall(r"(?m)^(\d\d:\d\d)  (\w+) +(\d+ \w+)", (PROJECT / "docs/messages.md").read_text())
        self.assertEqual(lines, told)

    def test_every_form_begins_with_the_same_number(self):
        for message in self.messages:
            with self.subTest(message.subject):
                topic = message.document["Sections"][0]
                (count,) = re.match(r"\[packwatch\] (\d+) ", message.subject).groups()
                self.assertEqual(int(count), topic["Accounts"])
                for text in (message.body, message.sms, message.slack["content"]["title"].split(" ", 1)[1]):
                    self.assertTrue(text.startswith(f"{count} account"), text)
                failed = message.document["Packs"][0]["Failed"]
                if failed != topic["Accounts"]:
                    for text in (
                        message.subject,
                        message.body,
                        message.sms,
                        message.slack["content"]["title"],
                    ):
                        self.assertIn(f"{failed or 'none'} of {ACCOUNTS}", text.split("\n", 1)[0])
                causes = re.findall(r"(?m)^  (\d+) accounts?: ", message.body)
                if len(topic.get("Causes", [])) > 1 and causes:
                    self.assertEqual(sum(map(int, causes)), int(count))

    def test_what_failed_by_now_is_what_the_board_shows(self):
        with tempfile.TemporaryDirectory() as folder:
            story = BadUpdate(Path(folder), PACKWATCH, until=FAILED_BY)
            board = story.board("--output", "csv", "--failing").splitlines()
        self.assertEqual(len(board) - 1, FAILED)


if __name__ == "__main__":
    unittest.main()
