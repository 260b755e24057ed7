"""What EventBridge and SNS let through: the rule of template.yaml with the sample events, and the filter policies of
docs/messages.md with the messages that the Rust tests published. moto decides, as the services do. Run by `make test`.
"""

import json
import re
import unittest
from collections import Counter

from moto.events.models import EventPattern
from moto.sns.utils import FilterPolicyMatcher

import recorded
from stack import Stack
from templates import PROJECT

PAGE = (PROJECT / "docs/messages.md").read_text()
EVENTS = {file.name: json.loads(file.read_text()) for file in sorted((PROJECT / "events").glob("*.json"))}


class Rule(unittest.TestCase):
    def setUp(self):
        pattern = Stack().properties("ChangeRecorded")["EventPattern"]
        self.passes = EventPattern(json.dumps(pattern), pattern).matches_event

    def test_what_cloudtrail_tells_of_packs_and_accounts_passes_and_nothing_else(self):
        passing = [name for name, event in EVENTS.items() if self.passes(event)]
        self.assertEqual(passing, [name for name in EVENTS if name.startswith("cloudtrail-")])
        self.assertGreaterEqual(len(passing), 3)

    def test_a_call_that_was_refused_and_others_do_not_pass(self):
        for name in ("cloudtrail-put.json", "cloudtrail-delete.json", "cloudtrail-account-joined.json"):
            event = EVENTS[name]
            for change in (
                {"errorCode": "AccessDenied"},
                {"eventName": "PutConformancePack"},
                {"eventName": "DescribeOrganizationConformancePacks"},
                {"eventSource": "iam.amazonaws.com"},
            ):
                detail = event["detail"] | change
                self.assertFalse(self.passes(event | {"detail": detail}), (name, change))
            self.assertFalse(self.passes(event | {"source": "aws.iam"}), name)
            self.assertFalse(self.passes(event | {"detail-type": "Scheduled Event"}), name)

    def test_an_account_that_left_passes(self):
        event = EVENTS["cloudtrail-account-joined.json"]
        detail = event["detail"] | {"eventName": "AccountDepartedOrganization"}
        self.assertTrue(self.passes(event | {"detail": detail}))


class Message:
    """A message as SNS has it: its attributes, and the body for machines."""

    def __init__(self, entry: dict):
        attributes = entry.get("MessageAttributes", {})
        self.attributes = {
            name: {"Type": value["DataType"], "Value": value["StringValue"]}
            for name, value in attributes.items()
        }
        body = json.loads(entry["Message"])
        self.is_digest = entry.get("MessageStructure") == "json"
        self.body = json.loads(body["default"]) if self.is_digest else body

    def passes(self, policy: dict) -> bool:
        return FilterPolicyMatcher(policy, "MessageAttributes").matches(self.attributes, "")

    def values(self, name: str) -> list[str]:
        of = self.attributes[name]
        return json.loads(of["Value"]) if of["Type"] == "String.Array" else [of["Value"]]


def documented() -> list[dict]:
    """The filter policies of the page, which are all the JSON in it whose values are lists of texts."""
    unquoted = PAGE.replace('\\"', '"')
    found = [json.loads(each) for each in re.findall(r'\{"\w+": \["[^\]]+"\]\}', unquoted)]
    return list({json.dumps(each): each for each in found}.values())


def attributes_of(what: str) -> set[str]:
    """Those that the table of the page names."""
    (row,) = re.findall(rf"(?m)^\| {what} \| ([^;|]+)", PAGE)
    return set(re.findall(r"`(\w+)`", row))


@recorded.is_there
class Policies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        entries = []
        for _, call, _ in recorded.all_checked():
            if call and call.name == "sns:Publish":
                entries.append(call.params)
            elif call and call.name == "sns:PublishBatch":
                entries += call.params["PublishBatchRequestEntries"]
        messages = [Message(entry) for entry in entries]
        cls.digests = [message for message in messages if message.is_digest]
        cls.events = [message for message in messages if not message.is_digest]

    def test_each_message_has_the_attributes_of_the_table(self):
        for digest in self.digests:
            # Without the texts that SNS refused it has no statuses either.
            self.assertEqual({*digest.attributes} | {"Statuses"}, attributes_of("a digest") | {"Statuses"})
        for event in self.events:
            wanted = attributes_of("an event")
            if event.body["Kind"] in ("Baseline", "PackDeleted"):
                wanted -= {"AccountId", "Status"}
            # Who left, or was refused, has none.
            self.assertEqual({*event.attributes} | {"Status"}, wanted | {"Status"}, event.body)

    def test_the_attributes_say_what_the_body_says(self):
        for event in self.events:
            for name in ("AccountId", "Kind", "Region", "OrganizationConformancePackName"):
                said = event.body.get(name)
                self.assertEqual(event.values(name) if name in event.attributes else [None], [said])
        for digest in self.digests:
            self.assertEqual(digest.values("Severity"), [digest.body["Severity"]])

    def test_the_documented_policies_let_through_what_they_are_for(self):
        policies = documented()
        self.assertEqual(
            [*(sorted({*policy}) for policy in policies)], [["Kind"], ["Severity"], ["AccountId"]]
        )
        passed: Counter = Counter()
        for policy in policies:
            ((name, values),) = policy.items()
            messages = self.digests if name == "Severity" else self.events
            if name == "AccountId":
                # The page's account is nobody's of the tests.
                accounts = Counter(event.body.get("AccountId") for event in self.events)
                del accounts[None]
                values = [accounts.most_common(1)[0][0]]
            for message in messages:
                wanted = message.body.get(name) in values
                self.assertEqual(message.passes({name: values}), wanted, (policy, message.body))
                passed[name, wanted] += 1
        # Of each policy something passes, and something does not.
        self.assertEqual(len(passed), 6, passed)
        told = ", ".join(
            f"{name} {passed[name, True]} of {passed[name, True] + passed[name, False]}"
            for name in ("Kind", "Severity", "AccountId")
        )
        print(
            f"\n{len(self.digests)} digests and {len(self.events)} events met {len(policies)} filter policies: {told}"
        )

    def test_every_kind_that_the_page_names_was_published(self):
        kinds = {event.body["Kind"] for event in self.events}
        (policy, *_) = documented()
        self.assertLessEqual({*policy["Kind"]}, kinds)

    def test_an_alarm_of_cloudwatch_matches_no_policy(self):
        alarm = Message({"Message": "{}"})
        for policy in documented():
            self.assertFalse(alarm.passes(policy))


if __name__ == "__main__":
    unittest.main()
