"""Deploys packwatch to an emulated AWS, from the source (`sam build && sam deploy`) or as a release ships it (`unzip`,
`sam deploy`). Waits for the schedule to start the real binary, for its digest in a queue that is subscribed to the
topics, and for the quiet run after it; then deploys a second stack beside it, in another region and under strict rules.

    python scripts/e2e.py --ministack PATH [--bootstrap PATH] [--world PATH] [--dist]

ministack checks every request against the template's policies (AUTH), and the topics refuse plain HTTP, so it speaks
TLS. Only AWS Config is not emulated by it: the function finds the project's own model through
AWS_ENDPOINT_URL_CONFIG_SERVICE, which it inherits from ministack's environment, so the template stays as it is.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import certificate
import check_glibc
import dist
import servers
from servers import ACCOUNT, PROJECT, REGION, Failed, wait_for

STACK = "packwatch"
SECOND_REGION = "eu-central-1"
ORGANIZATION = "o-a1b2c3d4e5"
EMAIL = "governance@example.com"
METRIC_MATH = ["NoSuccessfulRunAlarm", "DurationAlarm"]
# A scheduled run a minute, the emulator's sweep every ten seconds, and a slow machine.
ONE_RUN = 120
# What the second of the recorded days brings.
DAY_2 = {"Failed": 3, "Recovered": 1, "Joined": 1, "Left": 1}
# What only machines get.
ROUTINE = {"Succeeded": 1, "InProgress": 1}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ministack", type=Path, required=True)
    parser.add_argument("--bootstrap", type=Path, default=PROJECT / "target/lambda/packwatch/bootstrap")
    parser.add_argument("--world", type=Path, default=PROJECT / "target/debug/examples/world")
    parser.add_argument("--dist", action="store_true", help="deploy what a release ships")
    return parser.parse_args()


class Cloud:
    """The emulated AWS: its address, and clients for one region."""

    def __init__(self, endpoint: str, region: str = REGION):
        self.endpoint = endpoint
        self.region = region
        session = boto3.Session(
            aws_access_key_id=ACCOUNT, aws_secret_access_key="nothing", region_name=region
        )
        self.client = lambda service: session.client(service, endpoint_url=endpoint)

    def outputs(self) -> dict[str, str]:
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


class Inbox:
    """A queue that is subscribed to a topic, and what it has received so far."""

    def __init__(self, cloud: Cloud, topic: str, name: str):
        self.sqs = cloud.client("sqs")
        arn = f"arn:aws:sqs:{cloud.region}:{ACCOUNT}:{name}"
        let_topic_in = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
                }
            ],
        }
        attributes = {"Policy": json.dumps(let_topic_in)}
        self.queue = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        cloud.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )
        self.messages: list[dict] = []

    def read(self) -> list[dict]:
        """All messages, the new ones included."""
        while batch := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                self.messages.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return self.messages


def function_log(cloud: Cloud) -> str:
    """What the function wrote, for the person who looks for the reason of a failure."""
    try:
        events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{STACK}")["events"]
    except (BotoCoreError, ClientError) as error:
        return f"(cannot be read: {error})"
    return "\n".join(event["message"].rstrip() for event in events[-40:])


def step(text: str) -> None:
    print(f"--- {text}", flush=True)


def sam(cloud: Cloud, folder: Path, *command: str, **environment: str) -> None:
    """One SAM command; its output is shown only when it fails."""
    result = subprocess.run(
        [str(Path(sys.executable).parent / "sam"), *command],
        check=False,
        cwd=folder,
        env=servers.clean_environment(
            AWS_ENDPOINT_URL=cloud.endpoint,
            AWS_CA_BUNDLE=os.environ["AWS_CA_BUNDLE"],
            SAM_CLI_TELEMETRY="0",
            **environment,
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        raise Failed(f"sam {command[0]} failed:\n{result.stdout}")


def suit_ministack(template: Path) -> list[str]:
    """Changes the built template where ministack differs from AWS; gives the names of what had to go.

    It refuses alarms with metric math, and wants an action sns:PublishBatch that AWS does not have (there sns:Publish
    allows both).
    """
    head, *resources = re.split(r"(?m)^(?=  \w+:$)", template.read_text())
    refused = [
        block for block in resources if "AWS::CloudWatch::Alarm" in block and "      Metrics:" in block
    ]
    kept = [
        block.replace("Action: sns:Publish\n", "Action: [sns:Publish, sns:PublishBatch]\n")
        if block.startswith("  FunctionRole:")
        else block
        for block in resources
        if block not in refused
    ]
    template.write_text(head + "".join(kept))
    return [block.split(":")[0].strip() for block in refused]


def built(cloud: Cloud, bootstrap: Path, folder: Path) -> Path:
    """The folder that `sam build` makes, as for a user; only the binary is not compiled again."""
    step("sam build")
    to = folder / "built"
    sam(
        cloud,
        PROJECT,
        "build",
        "--build-in-source",
        "--build-dir",
        str(to),
        BOOTSTRAP=str(bootstrap),
        ARCH=check_glibc.architecture(bootstrap.read_bytes()),
    )
    return to


def unpacked(bootstrap: Path, folder: Path) -> Path:
    """The folder in a release's zip."""
    binary = bootstrap.read_bytes()
    name, content = dist.dist(binary, check_glibc.architecture(binary))
    archive = folder / f"{name}.zip"
    archive.write_bytes(content)
    step(f"unzip {archive.name}")
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    return folder / name


def deploy(cloud: Cloud, folder: Path, parameters: dict[str, str]) -> dict[str, str]:
    """`sam deploy` in a folder with a template, as a user would; gives the stack's outputs."""
    step(f"sam deploy, in {cloud.region}")
    bucket = f"packwatch-artifacts-{cloud.region}"
    cloud.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    sam(
        cloud,
        folder,
        "deploy",
        "--stack-name",
        STACK,
        "--region",
        cloud.region,
        "--s3-bucket",
        bucket,
        "--no-resolve-s3",
        "--no-confirm-changeset",
        "--capabilities",
        "CAPABILITY_IAM",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in parameters.items()),
    )
    return cloud.outputs()


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Failed(f"{what}: wanted {wanted!r}, found {found!r}")
    print(f"    {what}: {found}")


def check_deployment(cloud: Cloud, outputs: dict[str, str]) -> None:
    """That the emulator took what the template says, at the places where a mistake would hurt most."""
    expect(
        "schedule",
        cloud.client("scheduler").get_schedule(Name=outputs["ScheduleName"])["ScheduleExpression"],
        "rate(1 minute)",
    )
    table = cloud.client("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]
    expect("table keys", [key["AttributeName"] for key in table["KeySchema"]], ["pk", "sk"])
    alarms = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    expect(
        "alarms that tell the alerts topic",
        sum(outputs["AlertsTopicArn"] in alarm["AlarmActions"] for alarm in alarms),
        5,
    )
    subscriptions = cloud.client("sns").list_subscriptions_by_topic(TopicArn=outputs["AlertsTopicArn"])
    expect(
        "e-mail",
        [s["Endpoint"] for s in subscriptions["Subscriptions"] if s["Protocol"] == "email"],
        [EMAIL],
    )
    expect("subscribers", outputs["Subscribers"].split(",")[0], EMAIL)


def packs_of(digests: list[dict], kind: str) -> list[dict]:
    """The packs of one type in all digests: several digests may share what belongs together."""
    return [pack for digest in digests for pack in digest["Packs"] if pack["Type"] == kind]


def check_baseline(alerts: Inbox, events: Inbox) -> None:
    """The first scheduled run: both packs, with the accounts that are already failing."""
    step("waiting for the schedule: baseline")
    wait_for(lambda: len(packs_of(alerts.read(), "Baseline")) == 2, ONE_RUN, "a baseline of both packs")
    failing = [t["AccountId"] for pack in packs_of(alerts.messages, "Baseline") for t in pack["Transitions"]]
    expect("accounts already failing", len(failing), 2)
    wait_for(lambda: len(events.read()) >= 4, 20, "an event for each pack and each of these accounts")
    expect("the baseline's events", kinds(events.messages), {"Failed": 2, "Baseline": 2})


def kinds(transitions: list[dict]) -> Counter:
    return Counter(transition["Kind"] for transition in transitions)


def check_changes(alerts: Inbox, events: Inbox) -> None:
    """The next scheduled run: one digest with the day's changes, and the same changes one by one for machines."""
    step("the second day; waiting for the schedule: digest")
    wait_for(lambda: len(packs_of(alerts.read(), "Transitions")) == 2, ONE_RUN, "a digest of both packs")
    told = [t for pack in packs_of(alerts.messages, "Transitions") for t in pack["Transitions"]]
    expect("the digest's kinds", kinds(told), DAY_2)
    first, changes = len(events.messages), DAY_2 | ROUTINE
    wait_for(lambda: len(events.read()) >= first + sum(changes.values()), 20, "one event per change")
    expect("the events' kinds", kinds(events.messages[first:]), changes)


def check_rule(cloud: Cloud, outputs: dict[str, str]) -> None:
    """The rule takes CloudTrail's events and nothing else. (Nobody but AWS may put events of the source aws.config.)"""
    step("the rule for CloudTrail's events")
    events = cloud.client("events")
    (rule,) = events.list_rules()["Rules"]
    put, delete, joined, other = (
        json.loads((PROJECT / "events" / f"{name}.json").read_text())
        for name in ("cloudtrail-put", "cloudtrail-delete", "cloudtrail-account-joined", "scheduled")
    )
    refused = put | {"detail": put["detail"] | {"errorCode": "OrganizationAccessDeniedException"}}
    taken = [
        events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]
        for event in (put, delete, joined, refused, other)
    ]
    expect(
        "takes a put, a delete, an account, a refused put, a scheduled run", taken, [True] * 3 + [False] * 2
    )
    targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    expect("its target", [target["Arn"].split(":")[-1] for target in targets], [outputs["FunctionName"]])


def check_deletion(cloud: Cloud, outputs: dict[str, str], world: str, alerts: Inbox) -> None:
    """CloudTrail's event of a deletion is handled at once, without waiting for a scheduled run."""
    step("a pack is deleted; CloudTrail's event reaches the function")
    event = (PROJECT / "events/cloudtrail-delete.json").read_text()
    pack = json.loads(event)["detail"]["requestParameters"]["organizationConformancePackName"]
    servers.call("DELETE", f"{world}/packs/{REGION}/{pack}")
    cloud.client("lambda").invoke(FunctionName=outputs["FunctionName"], InvocationType="Event", Payload=event)
    wait_for(lambda: packs_of(alerts.read(), "PackDeleted"), 40, "the news of the deletion")
    expect(
        "deleted",
        [gone["OrganizationConformancePackName"] for gone in packs_of(alerts.messages, "PackDeleted")],
        [pack],
    )


def check_quiet(cloud: Cloud, outputs: dict[str, str], alerts: Inbox, events: Inbox) -> None:
    """A run after which nothing has changed says nothing, and no run failed on the way."""
    step("one more run: nothing has changed")
    told = len(alerts.read()), len(events.read())
    answer = cloud.client("lambda").invoke(
        FunctionName=outputs["FunctionName"], Payload=(PROJECT / "events/request.json").read_bytes()
    )
    report = json.load(answer["Payload"])
    expect("outcomes", {target["Outcome"] for target in report["Targets"]}, {"Unchanged"})
    time.sleep(2)
    expect("messages", (len(alerts.read()), len(events.read())), told)
    failed = cloud.client("sqs").receive_message(QueueUrl=outputs["FailedEventsQueueUrl"]).get("Messages", [])
    expect("failed events", [message["Body"] for message in failed], [])


def check_removal(cloud: Cloud, outputs: dict[str, str]) -> None:
    """Without the stack the table, and with it the history, is still there."""
    step("deleting the stack")
    cloudformation = cloud.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    expect(
        "the table is kept",
        outputs["TableName"] in cloud.client("dynamodb").list_tables()["TableNames"],
        True,
    )


def start_cloud(stack: ExitStack, ministack: Path, folder: Path, world: str) -> Cloud:
    """ministack, with TLS and with its policies enforced."""
    authority, certificate_file, key = certificate.create(folder)
    # urllib reads the one, boto3 and SAM the other; the function's rustls reads the first one, too.
    trust = {"SSL_CERT_FILE": str(authority), "AWS_CA_BUNDLE": str(authority)}
    os.environ.update(trust)
    port = servers.free_port()
    cloud = Cloud(f"https://127.0.0.1:{port}")
    stack.enter_context(
        servers.server(
            "ministack",
            [str(ministack)],
            f"{cloud.endpoint}/_ministack/health",
            folder / "ministack.log",
            **trust,
            AUTH="true",
            AWS_ENDPOINT_URL=cloud.endpoint,
            AWS_ENDPOINT_URL_CONFIG_SERVICE=world,
            BIND_HOST="127.0.0.1",
            GATEWAY_PORT=str(port),
            IOT_MTLS_ENABLED="0",
            MINISTACK_ACCOUNT_ID=ACCOUNT,
            MINISTACK_REGION=REGION,
            MINISTACK_SSL_CERT=str(certificate_file),
            MINISTACK_SSL_KEY=str(key),
            STATE_DIR=str(folder / "state"),
            TMPDIR=str(folder),
            USE_SSL="1",
        )
    )
    return cloud


def check_second_region(cloud: Cloud, folder: Path, world: str) -> None:
    """A stack of the same name beside the first one, with every rule that a strict account may have."""
    second = Cloud(cloud.endpoint, SECOND_REGION)
    step("a second region, with a key, a boundary and a topic of one's own")
    key = second.client("kms").create_key()["KeyMetadata"]["Arn"]
    pager = second.client("sns").create_topic(Name="pager")["TopicArn"]
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    boundary = second.client("iam").create_policy(
        PolicyName="boundary", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )["Policy"]["Arn"]
    servers.show_day(world, "day-1", SECOND_REGION)
    outputs = deploy(
        second,
        folder,
        {
            "ScheduleMinutes": "0",
            "ShowDashboard": "on",
            "AlarmTopic": ":".join(pager.split(":")[4:]),
            "KeyArn": key,
            "OrganizationId": ORGANIZATION,
            "PermissionsBoundaryArn": boundary,
            "ReservedConcurrency": "5",
        },
    )
    expect("subscribers", outputs["Subscribers"].split(".")[0], "nobody is subscribed")
    expect("the key of the topics", outputs["TopicKeyArn"], key)
    alarms = second.client("cloudwatch").describe_alarms()["MetricAlarms"]
    expect("where alarms go", {action for alarm in alarms for action in alarm["AlarmActions"]}, {pager})
    policy = second.client("sns").get_topic_attributes(TopicArn=outputs["EventsTopicArn"])["Attributes"][
        "Policy"
    ]
    expect("who may subscribe", ORGANIZATION in policy, True)
    dashboards = [
        dashboard["DashboardName"]
        for region in (cloud, second)
        for dashboard in region.client("cloudwatch").list_dashboards()["DashboardEntries"]
    ]
    expect("dashboards", sorted(set(dashboards)), [f"{STACK}-{SECOND_REGION}", f"{STACK}-{REGION}"])
    alerts = Inbox(second, outputs["AlertsTopicArn"], "alerts-inbox")
    answer = second.client("lambda").invoke(FunctionName=outputs["FunctionName"], Payload=b"{}")
    report = json.load(answer["Payload"])
    expect(
        "its outcomes",
        [target.get("Outcome") for target in report.get("Targets", [report])],
        ["Baseline"] * 2,
    )
    expect(
        "its digest",
        sorted(pack["Region"] for pack in packs_of(alerts.read(), "Baseline")),
        [SECOND_REGION] * 2,
    )


def check_everything(cloud: Cloud, world: str, folder: Path) -> None:
    """From the deployment to the removal, in the order in which a user would see it."""
    servers.show_day(world, "day-1")
    expect("left out, for want of metric math", suit_ministack(folder / "template.yaml"), METRIC_MATH)
    # Nobody waits half an hour for the rest of a day's news.
    parameters = {"AlertEmail": EMAIL, "ScheduleMinutes": "1", "ShowDashboard": "on", "GroupInterval": "0"}
    outputs = deploy(cloud, folder, parameters)
    check_deployment(cloud, outputs)
    check_rule(cloud, outputs)
    alerts = Inbox(cloud, outputs["AlertsTopicArn"], "alerts-inbox")
    events = Inbox(cloud, outputs["EventsTopicArn"], "events-inbox")
    check_baseline(alerts, events)
    servers.show_day(world, "day-2")
    check_changes(alerts, events)
    check_deletion(cloud, outputs, world, alerts)
    check_quiet(cloud, outputs, alerts, events)
    check_second_region(cloud, folder, world)
    check_removal(cloud, outputs)


def main() -> None:
    options = arguments()
    if not options.bootstrap.is_file():
        raise Failed(f"{options.bootstrap} is missing: make build")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        world = stack.enter_context(servers.world(options.world, folder / "world.log"))
        cloud = start_cloud(stack, options.ministack, folder, world)
        try:
            bootstrap = options.bootstrap.resolve()
            deployed = unpacked(bootstrap, folder) if options.dist else built(cloud, bootstrap, folder)
            check_everything(cloud, world, deployed)
        except Exception:
            print(f"\nThe end of ministack's log:\n{servers.tail(folder / 'ministack.log')}", file=sys.stderr)
            print(f"\nThe function's log:\n{function_log(cloud)}", file=sys.stderr)
            raise
    print("e2e: all as expected")


if __name__ == "__main__":
    os.chdir(PROJECT)
    servers.run(main)
