"""What deploy/pagerduty.yaml makes of recorded events: which open an alert, which resolve it, and with what.

SNS's filter policies and EventBridge's patterns are matched by moto, and the input templates filled in as the pages
"Event filtering" and "Input transformation" of EventBridge Pipes say. Run by `make test`.
"""

import json
import re
import unittest
from collections.abc import Iterator

from moto.events.models import EventPattern

import templates
from templates import PROJECT

RESOURCES = templates.load("deploy/pagerduty.yaml")["Resources"]
PIPES = {"trigger": "TriggersPipe", "resolve": "ResolutionsPipe"}
ENDS = {"Recovered", "Left"}
BEGINS = {"Failed", "Stuck", "Unrecognised"}


def recorded() -> list[dict]:
    """The events of two incidents, as a test of the messages records them."""
    text = (PROJECT / "tests/it/snapshots/incident_events.snap").read_text()
    return [json.loads(event) for event in re.findall(r"^\{.*?^\}", text, re.MULTILINE | re.DOTALL)]


def named(kind: str) -> dict:
    return next(event for event in recorded() if event["Kind"] == kind)


def matches(pattern: dict, event: dict) -> bool:
    return EventPattern.load(json.dumps(pattern)).matches_event(event)


def filled(template: str, record: dict) -> dict:
    """Texts are in quotes in the template, and escaped; the whole record is JSON, with its body read."""

    def value(match: re.Match) -> str:
        if match[1] == "aws.pipes.event.json":
            return json.dumps(record)
        found = record
        for name in match[1].removeprefix("$.").split("."):
            found = found[name]
        return json.dumps(found)[1:-1]

    return json.loads(re.sub(r"<([^>]+)>", value, template))


def sent(event: dict) -> Iterator[dict]:
    """What PagerDuty gets of an event."""
    attributes = {name: event[name] for name in ("Kind", "Region", "AccountId") if name in event}
    for action, name in PIPES.items():
        pipe = RESOURCES[name]["Properties"]
        queue = pipe["Source"]["GetAtt"]
        [policy] = [
            each["Properties"]["FilterPolicy"]
            for each in RESOURCES.values()
            if each["Type"] == "AWS::SNS::Subscription"
            and each["Properties"]["Endpoint"] == {"GetAtt": queue}
        ]
        record = {"messageId": "m", "eventSource": "aws:sqs", "body": event}
        filters = pipe["SourceParameters"]["FilterCriteria"]["Filters"]
        if matches(policy, attributes) and any(matches(json.loads(f["Pattern"]), record) for f in filters):
            request = filled(pipe["TargetParameters"]["InputTemplate"], record)
            assert request["event_action"] == action
            yield request


def actions(event: dict) -> list[str]:
    return [request["event_action"] for request in sent(event)]


class Recorded(unittest.TestCase):
    def test_each_incident_is_opened_and_resolved_once_under_its_id(self):
        history: dict[str, list[str]] = {}
        for event in recorded():
            for request in sent(event):
                self.assertEqual(request["dedup_key"], event["IncidentId"])
                history.setdefault(request["dedup_key"], []).append(request["event_action"])
        incidents = {event["IncidentId"] for event in recorded() if "IncidentId" in event}
        self.assertEqual(history, {incident: ["trigger", "resolve"] for incident in incidents})
        self.assertEqual(len(incidents), 2)

    def test_an_alert_says_what_where_and_since_when(self):
        event = named("Failed")
        event["To"]["ErrorMessage"] = 'a "quoted" <$.body.Kind>\n\\'
        [request] = sent(event)
        payload = request["payload"]
        self.assertEqual(payload["summary"], "Security-Baseline: Failed in 111122220001 (eu-west-1)")
        self.assertEqual((payload["severity"], payload["source"]), ("error", "packwatch"))
        self.assertEqual(payload["timestamp"], event["FailingSince"])
        self.assertEqual(payload["custom_details"]["body"], event)


class Rules(unittest.TestCase):
    """The rules of docs/messages.md."""

    def test_kinds(self):
        schema = json.loads((PROJECT / "docs/notification.schema.json").read_text())
        kinds = schema["$defs"]["notification"]["properties"]["Counts"]["propertyNames"]["enum"]
        self.assertLessEqual(BEGINS | ENDS, set(kinds))
        for kind in kinds:
            expected = ["trigger"] if kind in BEGINS else ["resolve"] if kind in ENDS else []
            self.assertEqual(actions(named("Failed") | {"Kind": kind, "To": None}), expected, kind)

    def test_an_event_without_an_incident_is_left_out(self):
        for kind in (*BEGINS, *ENDS, "Settled"):
            event = named("Failed") | {"Kind": kind}
            del event["IncidentId"]
            self.assertEqual(actions(event), [], kind)

    def test_what_people_do_not_get_opens_nothing_but_every_end_resolves(self):
        for flag in ("Silenced", "Damped"):
            for kind in BEGINS:
                self.assertEqual(actions(named("Failed") | {"Kind": kind, flag: True}), [], kind)
            for kind in ENDS:
                self.assertEqual(actions(named("Failed") | {"Kind": kind, flag: True}), ["resolve"], kind)

    def test_a_settled_account_is_judged_by_where_it_stands(self):
        for status, expected in (
            ("CREATE_FAILED", ["trigger"]),
            ("UPDATE_FAILED", ["trigger"]),
            ("A_NEW_STATUS", ["trigger"]),
            ("CREATE_SUCCESSFUL", ["resolve"]),
            ("UPDATE_SUCCESSFUL", ["resolve"]),
            ("UPDATE_IN_PROGRESS", []),
        ):
            event = named("Failed") | {"Kind": "Settled", "To": {"Status": status}}
            self.assertEqual(actions(event), expected, status)


class Template(unittest.TestCase):
    def test_no_two_pipes_read_one_queue(self):
        """A pipe deletes what its filter leaves out."""
        sources = [RESOURCES[name]["Properties"]["Source"]["GetAtt"] for name in PIPES.values()]
        self.assertEqual(len(set(sources)), 2)
        for name in PIPES.values():
            parameters = RESOURCES[name]["Properties"]["SourceParameters"]["SqsQueueParameters"]
            self.assertEqual(parameters["BatchSize"], 1, "else the body is an array")

    def test_queues_are_encrypted_and_give_up_into_the_same_one(self):
        queues = {n: each["Properties"] for n, each in RESOURCES.items() if each["Type"] == "AWS::SQS::Queue"}
        for name, queue in queues.items():
            self.assertEqual(
                queue["SqsManagedSseEnabled"], {"If": ["HasKey", {"Ref": "AWS::NoValue"}, True]}, name
            )
            self.assertEqual(
                queue["KmsMasterKeyId"], {"If": ["HasKey", {"Ref": "KeyArn"}, {"Ref": "AWS::NoValue"}]}
            )
            target = queue.get("RedrivePolicy", {}).get("deadLetterTargetArn")
            self.assertEqual(target, None if name == "Undelivered" else {"GetAtt": "Undelivered.Arn"}, name)
        self.assertGreater(queues["Resolutions"]["DelaySeconds"], 0, "an incident is opened first")

    def test_the_role_may_do_what_pipes_need_and_no_more(self):
        [policy] = RESOURCES["PipeRole"]["Properties"]["Policies"]
        *statements, with_key = policy["PolicyDocument"]["Statement"]
        decrypt = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Ref": "KeyArn"}}
        self.assertEqual(with_key, {"If": ["HasKey", decrypt, {"Ref": "AWS::NoValue"}]})
        queues = [{"GetAtt": "Triggers.Arn"}, {"GetAtt": "Resolutions.Arn"}]
        self.assertEqual(
            [(each["Action"], each["Resource"]) for each in statements],
            [
                (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queues),
                ("events:InvokeApiDestination", {"GetAtt": "Destination.Arn"}),
            ],
        )

    def test_all_that_can_have_tags_has_them(self):
        for name, each in RESOURCES.items():
            if each["Type"] in (
                "AWS::SQS::Queue",
                "AWS::IAM::Role",
                "AWS::Pipes::Pipe",
                "AWS::CloudWatch::Alarm",
            ):
                self.assertIn("packwatch", str(each["Properties"]["Tags"]), name)


if __name__ == "__main__":
    unittest.main()
