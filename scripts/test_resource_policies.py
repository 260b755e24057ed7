"""What the topics, the queue, the key and the roles let others do, judged by a simulator of IAM. Run by `make test`."""

import itertools
import unittest

import iam
from iam import EVERYTHING, Question, simulated
from modes import KEY, MODES, OTHER, Mode, assumed, documents, key_policy
from stack import ACCOUNT


@simulated
class Resources(unittest.TestCase):
    """What the topics, the queue and the key let others do."""

    def answers(self, *questions: Question) -> list[set[str]]:
        return iam.allowed(list(questions))

    def of_services(
        self, mode: Mode, arn: str, policy: dict, services: dict[str, dict]
    ) -> dict[str, set[str]]:
        """What AWS's services may do; an empty set is left out."""
        actions = [f"{arn.split(':')[2]}:*"]
        asked = [Question(actions, arn, name, [], policy, context) for name, context in services.items()]
        return {name: answer for name, answer in zip(services, self.answers(*asked), strict=True) if answer}

    def test_alarms_of_this_account_alone_publish_to_the_alerts_topic(self):
        mode = Mode({})
        policy = mode.stack.properties("AlertsTopicPolicy")["PolicyDocument"]
        for account, wanted in ((ACCOUNT, {"cloudwatch.amazonaws.com": {"sns:Publish"}}), (OTHER, {})):
            context = {"aws:SourceAccount": account}
            services = dict.fromkeys(
                ("cloudwatch.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com"), context
            )
            self.assertEqual(self.of_services(mode, mode.stack.arn("AlertsTopic"), policy, services), wanted)

    def test_strangers_do_nothing_to_topics_and_queue(self):
        for name, given in MODES.items():
            if given.get("region"):
                continue
            mode = Mode(given)
            stranger = {"aws:PrincipalOrgID": "o-ffffffffff", "aws:SourceAccount": OTHER}
            asked = []
            for resource in ("AlertsTopic", "EventsTopic", "FailedEvents"):
                policy = mode.stack.properties(f"{resource}Policy")["PolicyDocument"]
                arn = mode.stack.arn(resource)
                actions = [f"{arn.split(':')[2]}:*"]
                who = f"arn:aws:iam::{OTHER}:role/stranger"
                asked.append(Question(actions, arn, who, [EVERYTHING], policy, stranger))
            self.assertEqual(self.answers(*asked), [set()] * 3, name)

    def test_an_organization_subscribes_to_the_events_topic_and_does_nothing_else(self):
        mode = Mode(MODES["for an organization"])
        who = f"arn:aws:iam::{OTHER}:role/team"
        member = {"aws:PrincipalOrgID": "o-a1b2c3d4e5", "sns:Protocol": "sqs"}
        asked = [
            Question(
                ["sns:*"],
                mode.stack.arn(topic),
                who,
                [EVERYTHING],
                mode.stack.properties(policy)["PolicyDocument"],
                member,
            )
            for topic, policy in (("EventsTopic", "EventsTopicPolicy"), ("AlertsTopic", "AlertsTopicPolicy"))
        ]
        self.assertEqual(self.answers(*asked), [{"sns:Subscribe"}, set()])

    def test_only_encrypted_connections_publish_or_send(self):
        mode = Mode({})
        asked = [
            Question(
                actions,
                mode.stack.arn(resource),
                assumed("packwatch-FunctionRole"),
                mode.policies,
                mode.stack.properties(f"{resource}Policy")["PolicyDocument"],
                {"aws:SecureTransport": secure},
            )
            for secure, (resource, actions) in itertools.product(
                ("true", "false"),
                (
                    ("AlertsTopic", ["sns:Publish"]),
                    ("EventsTopic", ["sns:Publish"]),
                    ("FailedEvents", ["sqs:SendMessage"]),
                ),
            )
        ]
        self.assertEqual([bool(answer) for answer in self.answers(*asked)], [True] * 3 + [False] * 3)

    def test_the_rule_alone_keeps_what_it_could_not_deliver(self):
        mode = Mode({})
        rule, queue = mode.stack.arn("ChangeRecorded"), mode.stack.arn("FailedEvents")
        policy = mode.stack.properties("FailedEventsPolicy")["PolicyDocument"]
        for source, wanted in ((rule, {"events.amazonaws.com": {"sqs:SendMessage"}}), (rule + "x", {})):
            context = {"aws:SourceArn": source}
            services = {name: context for name in ("events.amazonaws.com", "sns.amazonaws.com")}
            self.assertEqual(self.of_services(mode, queue, policy, services), wanted)

    def test_who_uses_the_key(self):
        """Services that use it without a role; with a key of yours, what docs/strict-accounts.md asks for."""
        uses = {"kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair"}
        uses |= {f"{action}WithoutPlaintext" for action in uses - {"kms:Decrypt"}}
        logs = uses | {"kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
        alarms, rules, logging = (
            "cloudwatch.amazonaws.com",
            "events.amazonaws.com",
            "logs.eu-west-1.amazonaws.com",
        )
        for given, wanted in (
            ({}, {alarms: uses}),
            ({"KeyArn": KEY}, {alarms: uses, rules: uses, logging: logs}),
        ):
            mode = Mode(given)
            services = {
                name: {} for name in (alarms, rules, logging, "s3.amazonaws.com", "sns.amazonaws.com")
            }
            self.assertEqual(self.of_services(mode, mode.key, key_policy(mode), services), wanted)
            who = f"arn:aws:iam::{OTHER}:role/stranger"
            stranger, deployer = self.answers(
                Question(["kms:*"], mode.key, who, [EVERYTHING], key_policy(mode)),
                Question(
                    ["kms:PutKeyPolicy"],
                    mode.key,
                    f"arn:aws:iam::{ACCOUNT}:role/admin",
                    [EVERYTHING],
                    key_policy(mode),
                ),
            )
            self.assertEqual((stranger, deployer), (set(), {"kms:PutKeyPolicy"}))

    def test_the_schedule_starts_the_function_and_keeps_what_failed(self):
        for given, of_the_key in (({}, set()), ({"KeyArn": KEY}, {"kms:Decrypt", "kms:GenerateDataKey"})):
            mode = Mode(given)
            stack, role = mode.stack, mode.stack.properties("ScheduleRole")
            wanted = {
                stack.arn("PackwatchFunction"): {"lambda:InvokeFunction"},
                stack.arn("PackwatchFunction") + "-two": set(),
                stack.arn("FailedEvents"): {"sqs:SendMessage"},
                stack.arn("FailedEvents") + "-two": set(),
                stack.arn("AlertsTopic"): set(),
                stack.arn("Table"): set(),
                mode.key: of_the_key,
            }
            who = assumed("packwatch-ScheduleRole")
            asked = [
                Question(
                    [f"{arn.split(':')[2]}:*"],
                    arn,
                    who,
                    documents(role),
                    key_policy(mode) if arn == mode.key else None,
                )
                for arn in wanted
            ]
            self.assertEqual(dict(zip(wanted, self.answers(*asked), strict=True)), wanted)

    def test_each_role_is_its_services_alone(self):
        stack = Mode({}).stack
        group = f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule-group/default"
        own = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": group}
        foreign = {"aws:SourceAccount": OTHER, "aws:SourceArn": group.replace(ACCOUNT, OTHER)}
        services = ("lambda.amazonaws.com", "scheduler.amazonaws.com", "ec2.amazonaws.com")
        for name, wanted in (("FunctionRole", services[0]), ("ScheduleRole", services[1])):
            trust, arn = stack.properties(name)["AssumeRolePolicyDocument"], stack.arn(name)
            asked = [Question(["sts:AssumeRole"], arn, each, [], trust, own) for each in services]
            asked.append(
                Question(["sts:AssumeRole"], arn, f"arn:aws:iam::{OTHER}:role/x", [EVERYTHING], trust, own)
            )
            allowed = [bool(answer) for answer in self.answers(*asked)]
            self.assertEqual(allowed, [each == wanted for each in services] + [False], name)
        trust = stack.properties("ScheduleRole")["AssumeRolePolicyDocument"]
        asked = Question(["sts:AssumeRole"], stack.arn("ScheduleRole"), services[1], [], trust, foreign)
        self.assertEqual(self.answers(asked), [set()])

    def test_the_rule_alone_invokes_the_function(self):
        """A Lambda permission is a statement of the function's policy."""
        stack = Mode({}).stack
        told = stack.properties("ChangeRecordedPermission")
        self.assertEqual(told["SourceArn"], stack.arn("ChangeRecorded"))
        self.assertEqual((told["Principal"], told["SourceAccount"]), ("events.amazonaws.com", ACCOUNT))
        self.assertEqual(
            [n for n, each in stack.resources.items() if each["Type"] == "AWS::Lambda::Permission"],
            ["ChangeRecordedPermission"],
        )


if __name__ == "__main__":
    unittest.main()
