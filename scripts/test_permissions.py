"""Who may do what to a deployment: the policies of template.yaml and of `packwatch doctor`, judged by a simulator of IAM.

Which calls the function makes is what the tests recorded of it; which actions there are is what the simulator knows.
Run by `make test`.
"""

import itertools
import json
import re
import unittest
from typing import ClassVar

import aws_models
import iam
import recorded
from calls import CODE, DOCTOR, calls, needed
from iam import EVERYTHING, Question
from recorded import Call
from stack import ACCOUNT, Stack
from templates import PROJECT

OTHER = "444455556666"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0a1b2c3d-0000-4000-9000-000000000000"
MODES: dict[str, dict] = {
    "as it comes": {},
    "with a key of yours": {"KeyArn": KEY},
    "in subnets": {"SubnetIds": "subnet-0a", "SecurityGroupIds": "sg-0a"},
    "with other regions": {"Regions": "eu-west-1,us-east-1"},
    "for an organization": {"OrganizationId": "o-a1b2c3d4e5"},
    "in China": {"region": "cn-north-1"},
    "in GovCloud": {"region": "us-gov-west-1"},
}
SERVICES = ("cloudwatch", "config", "dynamodb", "ec2", "events", "iam", "kms", "lambda", "logs", "organizations", "s3")
SERVICES += ("scheduler", "secretsmanager", "sns", "sqs", "ssm", "sts", "xray")

# Reading the heads is the store's, not src/aws/inspector's.
OF_THE_STORE = {"dynamodb:Query"}
# Lambda decrypts a function's variables with the rights of whoever asks for them: docs/strict-accounts.md has that.
FOR_THE_CALLER = {"kms:Decrypt"}
NETWORK = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}

simulated = unittest.skipUnless(
    iam.NODE and iam.INSTALLED, "IAM is not simulated: there is no Node.js here (Debian: apt install nodejs npm)"
)


def documents(role: dict) -> list[dict]:
    return [policy["PolicyDocument"] for policy in role["Policies"]]


def assumed(role: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/packwatch"


class Mode:
    """A stack of the template, and what the function does in it."""

    def __init__(self, given: dict):
        self.stack = stack = Stack(**given)
        self.partition, self.region = stack.place["partition"], stack.place["region"]
        self.policies = documents(stack.properties("FunctionRole"))
        self.key = given.get("KeyArn") or stack.arn("TopicKey")
        self.watched = given.get("Regions", self.region).split(",")
        self.log_stream = stack.arn("LogGroup").removesuffix("*") + "log-stream:2026"
        self.has_network, self.has_key = "SubnetIds" in given, "KeyArn" in given

    def arn(self, rest: str) -> str:
        return f"arn:{self.partition}:{rest}"

    def targets(self, call: Call) -> list[str]:
        """The resources that a recorded call was about, as they are called in this stack."""
        if call.name.startswith("dynamodb:"):
            return [self.stack.arn("Table")]
        if call.name.startswith("sns:"):
            topic = call.params["TopicArn"]
            return [self.stack.arn("EventsTopic" if topic.endswith("events") else "AlertsTopic")]
        if call.name == "organizations:DescribeAccount":
            return [self.arn(f"organizations::{OTHER}:account/o-a1b2c3d4e5/{OTHER}")]
        if call.name == "config:GetOrganizationConformancePackDetailedStatus":
            pack = f"{ACCOUNT}:organization-conformance-pack/P-abcd1234"
            return [self.arn(f"config:{region}:{pack}") for region in self.watched]
        return ["*"]

    def wanted(self, calls: list[Call]) -> dict[str, set[str]]:
        """The actions that the function needs, for each resource: its own calls, and what AWS does in its name."""
        queue = self.stack.arn("FailedEvents")
        wanted = {
            queue: {"sqs:SendMessage"},
            self.log_stream: {"logs:CreateLogStream", "logs:PutLogEvents"},
            self.key: {"kms:Decrypt", "kms:GenerateDataKey"},
            "*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
        }
        if self.has_key:
            # DynamoDB uses the key of the table in the name of whoever calls.
            wanted[self.key] |= {"kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
        if self.has_network:
            wanted["*"] |= {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
            face = self.arn(f"ec2:{self.region}:{ACCOUNT}:network-interface/eni-0a")
            wanted[face] = NETWORK - wanted["*"]
        for call in calls:
            for target in self.targets(call):
                wanted.setdefault(target, set()).update(needed(call))
        return wanted

    def neighbours(self, wanted: dict[str, set[str]]) -> set[str]:
        """What is called nearly as the function's own, and is not its own."""
        named = {arn for arn in wanted if arn != "*" and "eni-" not in arn and ":organizations:" not in arn}
        moved = {arn.replace(f":{self.region}:", ":ap-south-1:") for arn in named}
        foreign = {arn.replace(f":{ACCOUNT}:", f":{OTHER}:") for arn in named}
        beside = {re.sub(r"(packwatch|key/)", r"\1-two-", arn, count=1) for arn in named if ":config:" not in arn}
        return (moved | foreign | beside) - named


@simulated
@recorded.is_there
class Function(unittest.TestCase):
    """Each call of the function, in each mode, on what is its own and on what is not."""

    ALL: ClassVar = [f"{service}:*" for service in SERVICES]

    @classmethod
    def setUpClass(cls):
        cls.calls = [call for each, call, _ in recorded.all_checked() if call and is_functions(each)]

    def ask(self, mode: Mode, arn: str, **more: object) -> Question:
        # AWS Config is asked in each region that is watched.
        region = arn.split(":")[3] if arn != "*" else ""
        context = {"aws:RequestedRegion": region or mode.region}
        services = [f"{arn.split(':')[2]}:*"] if arn != "*" else self.ALL
        # That the function may use the account's key is what the key's policy leaves to the roles' policies.
        policy = key_policy(mode) if arn == mode.key else None
        role = assumed("packwatch-FunctionRole")
        owner = ACCOUNT if arn == "*" or ":organizations:" in arn or ":network-interface/" in arn else ""
        return Question(services, arn, role.replace("aws", mode.partition, 1), mode.policies, policy, context, owner)

    def test_the_function_may_do_what_it_does_and_nothing_else(self):
        self.assertGreater(len(self.calls), 100)
        asked: list[tuple[str, set[str], Question]] = []
        for name, given in MODES.items():
            mode = Mode(given)
            wanted = mode.wanted(self.calls)
            asked += [(name, actions, self.ask(mode, arn)) for arn, actions in wanted.items()]
            asked += [(name, set(), self.ask(mode, arn)) for arn in sorted(mode.neighbours(wanted))]
        answers = iam.allowed([question for *_, question in asked])
        for (name, wanted, question), answer in zip(asked, answers, strict=True):
            self.assertEqual(answer, wanted, f"{name}: {question.resource}")
        granted = sum(map(len, answers))
        none = sum(not wanted for _, wanted, _ in asked)
        print(f"\n{len(asked)} resources in {len(MODES)} modes simulated: {granted} actions allowed, none of {none} neighbours")

    def test_a_region_that_is_not_watched_is_not_asked(self):
        mode = Mode(MODES["with other regions"])
        elsewhere = {"aws:RequestedRegion": "eu-central-1"}
        pack = f"arn:aws:config:eu-central-1:{ACCOUNT}:organization-conformance-pack/P-1"
        role = assumed("packwatch-FunctionRole")
        questions = [Question(["config:*"], arn, role, mode.policies, None, elsewhere, ACCOUNT) for arn in ("*", pack)]
        self.assertEqual(iam.allowed(questions), [set(), set()])


def is_functions(request) -> bool:
    return "exec-env/AWS_Lambda" in request.headers.get("user-agent", "")


def key_policy(mode: Mode) -> dict:
    if not mode.has_key:
        return mode.stack.properties("TopicKey")["KeyPolicy"]
    page = (PROJECT / "docs/strict-accounts.md").read_text()
    (documented,) = re.findall(r"```json\n(\[.*?\])\n```", page, re.DOTALL)
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    statements = json.loads(documented.replace("REGION", mode.region))
    return {"Version": "2012-10-17", "Statement": [account, *statements]}


@simulated
class Resources(unittest.TestCase):
    """What the topics, the queue and the key let others do."""

    def answers(self, *questions: Question) -> list[set[str]]:
        return iam.allowed(list(questions))

    def of_services(self, mode: Mode, arn: str, policy: dict, services: dict[str, dict]) -> dict[str, set[str]]:
        """What AWS's services may do; an empty set is left out."""
        actions = [f"{arn.split(':')[2]}:*"]
        asked = [Question(actions, arn, name, [], policy, context) for name, context in services.items()]
        return {name: answer for name, answer in zip(services, self.answers(*asked), strict=True) if answer}

    def test_alarms_of_this_account_alone_publish_to_the_alerts_topic(self):
        mode = Mode({})
        policy = mode.stack.properties("AlertsTopicPolicy")["PolicyDocument"]
        for account, wanted in ((ACCOUNT, {"cloudwatch.amazonaws.com": {"sns:Publish"}}), (OTHER, {})):
            context = {"aws:SourceAccount": account}
            services = dict.fromkeys(("cloudwatch.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com"), context)
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
            Question(["sns:*"], mode.stack.arn(topic), who, [EVERYTHING], mode.stack.properties(policy)["PolicyDocument"], member)
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
            services = dict.fromkeys(("events.amazonaws.com", "sns.amazonaws.com"), {"aws:SourceArn": source})
            self.assertEqual(self.of_services(mode, queue, policy, services), wanted)

    def test_who_uses_the_key(self):
        """Services that use it without a role; with a key of yours, what docs/strict-accounts.md asks for."""
        uses = {"kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair"}
        uses |= {f"{action}WithoutPlaintext" for action in uses - {"kms:Decrypt"}}
        logs = uses | {"kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
        alarms, rules, logging = "cloudwatch.amazonaws.com", "events.amazonaws.com", "logs.eu-west-1.amazonaws.com"
        for given, wanted in (({}, {alarms: uses}), ({"KeyArn": KEY}, {alarms: uses, rules: uses, logging: logs})):
            mode = Mode(given)
            services = dict.fromkeys((alarms, rules, logging, "s3.amazonaws.com", "sns.amazonaws.com"), {})
            self.assertEqual(self.of_services(mode, mode.key, key_policy(mode), services), wanted)
            who = f"arn:aws:iam::{OTHER}:role/stranger"
            stranger, deployer = self.answers(
                Question(["kms:*"], mode.key, who, [EVERYTHING], key_policy(mode)),
                Question(["kms:PutKeyPolicy"], mode.key, f"arn:aws:iam::{ACCOUNT}:role/admin", [EVERYTHING], key_policy(mode)),
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
                    [f"{arn.split(':')[2]}:*"], arn, who, documents(role), key_policy(mode) if arn == mode.key else None
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
            asked.append(Question(["sts:AssumeRole"], arn, f"arn:aws:iam::{OTHER}:role/x", [EVERYTHING], trust, own))
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
        self.assertEqual([n for n, each in stack.resources.items() if each["Type"] == "AWS::Lambda::Permission"], ["ChangeRecordedPermission"])


@simulated
class Doctor(unittest.TestCase):
    def test_its_policy_allows_what_its_calls_need_and_nothing_else(self):
        policy = json.loads((PROJECT / "docs/doctor-policy.json").read_text())
        wanted = (calls(DOCTOR) | OF_THE_STORE) - iam.FOR_EVERYBODY
        role = assumed("Admin")
        resources = {
            "cloudwatch": f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:dataset/default",
            "dynamodb": f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/packwatch",
            "lambda": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:packwatch",
            "scheduler": f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule/default/packwatch",
            "sns": f"arn:aws:sns:eu-west-1:{ACCOUNT}:alerts",
        }
        asked = [Question([f"{of}:*"], arn, role, [policy]) for of, arn in resources.items()]
        asked += [Question([f"{of}:*" for of in SERVICES], "*", role, [policy], owner=ACCOUNT)]
        self.assertEqual(set().union(*iam.allowed(asked)), wanted)


class Named(unittest.TestCase):
    def test_the_calls_of_the_code_are_found(self):
        expected = {"config:DescribeOrganizationConformancePacks", "dynamodb:TransactWriteItems", "sns:PublishBatch"}
        self.assertLessEqual(expected, calls(CODE))

    def test_the_doctor_names_actions_that_there_are(self):
        """What it tells a caller to ask for is what it calls, and AWS has it."""
        named = set(re.findall(r'"([a-z]+:[A-Z]\w+)"', DOCTOR))
        self.assertEqual(named, calls(DOCTOR) | OF_THE_STORE | FOR_THE_CALLER)
        for action in named:
            aws_models.operation(action)


if __name__ == "__main__":
    unittest.main()
