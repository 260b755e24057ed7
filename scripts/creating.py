"""The calls by which CloudFormation creates what a stack has, as far as the services' own models can check them.

Most properties are called as the arguments are. Where they are not, this says how.
"""

import json
from collections.abc import Iterator

# The operation whose arguments are the properties, and the argument that is the name.
ALIKE = {
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "AlarmName"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch:PutDashboard", None),
    "AWS::KMS::Alias": ("kms:CreateAlias", None),
    "AWS::Lambda::Permission": ("lambda:AddPermission", "StatementId"),
    "AWS::Lambda::EventInvokeConfig": ("lambda:PutFunctionEventInvokeConfig", None),
    "AWS::Scheduler::Schedule": ("scheduler:CreateSchedule", "Name"),
    "AWS::SNS::Subscription": ("sns:Subscribe", None),
}

Calls = Iterator[tuple[str, dict]]


def calls(name: str, kind: str, properties: dict) -> Calls:
    """`service:Operation` and arguments, of each call that creates a resource."""
    of = dict(properties)
    if kind in ALIKE:
        operation, named = ALIKE[kind]
        yield operation, of | ({named: name} if named else {})
        return
    match kind:
        case "AWS::DynamoDB::Table":
            yield from table(name, of)
        case "AWS::Events::Rule":
            targets = of.pop("Targets")
            pattern = json.dumps(of.pop("EventPattern"))
            yield "events:PutRule", of | {"Name": name, "EventPattern": pattern}
            yield "events:PutTargets", {"Rule": name, "Targets": targets}
        case "AWS::IAM::Role":
            for policy in of.pop("Policies"):
                told = {**policy, "PolicyDocument": json.dumps(policy["PolicyDocument"])}
                yield "iam:PutRolePolicy", {"RoleName": name, **told}
            trust = json.dumps(of.pop("AssumeRolePolicyDocument"))
            yield "iam:CreateRole", of | {"RoleName": name, "AssumeRolePolicyDocument": trust}
        case "AWS::KMS::Key":
            window, rotates = of.pop("PendingWindowInDays"), of.pop("EnableKeyRotation")
            tags = [{"TagKey": tag, "TagValue": value} for tag, value in tagged(of).items()]
            policy = json.dumps(of.pop("KeyPolicy"))
            yield "kms:CreateKey", of | {"Tags": tags, "Policy": policy}
            yield "kms:ScheduleKeyDeletion", {"KeyId": name, "PendingWindowInDays": window}
            if rotates:
                yield "kms:EnableKeyRotation", {"KeyId": name}
        case "AWS::Lambda::Function":
            yield from function(name, of)
        case "AWS::Logs::LogGroup":
            group, days = of.pop("LogGroupName"), of.pop("RetentionInDays")
            key = {"kmsKeyId": of.pop("KmsKeyId")} if "KmsKeyId" in of else {}
            yield "logs:CreateLogGroup", {"logGroupName": group, "tags": tagged(of)} | key | of
            yield "logs:PutRetentionPolicy", {"logGroupName": group, "retentionInDays": days}
        case "AWS::SNS::Topic":
            tags = of.pop("Tags")
            yield "sns:CreateTopic", {"Name": name, "Attributes": texts(of), "Tags": tags}
        case "AWS::SQS::Queue":
            tags = tagged(of)
            yield "sqs:CreateQueue", {"QueueName": name, "Attributes": texts(of), "tags": tags}
        case "AWS::SNS::TopicPolicy":
            for topic in of.pop("Topics"):
                policy = {"AttributeName": "Policy", "AttributeValue": json.dumps(of["PolicyDocument"])}
                yield "sns:SetTopicAttributes", {"TopicArn": topic, **policy}
        case "AWS::SQS::QueuePolicy":
            for queue in of.pop("Queues"):
                policy = {"Policy": json.dumps(of["PolicyDocument"])}
                yield "sqs:SetQueueAttributes", {"QueueUrl": queue, "Attributes": policy}
        case _:
            raise NotImplementedError(kind)


def table(name: str, of: dict) -> Calls:
    encryption = of.pop("SSESpecification")
    encryption["Enabled"] = encryption.pop("SSEEnabled")
    expiry, recovery = of.pop("TimeToLiveSpecification"), of.pop("PointInTimeRecoverySpecification")
    yield "dynamodb:CreateTable", of | {"TableName": name, "SSESpecification": encryption}
    yield "dynamodb:UpdateTimeToLive", {"TableName": name, "TimeToLiveSpecification": expiry}
    recovery = {"TableName": name, "PointInTimeRecoverySpecification": recovery}
    yield "dynamodb:UpdateContinuousBackups", recovery


def function(name: str, of: dict) -> Calls:
    if "ReservedConcurrentExecutions" in of:
        reserved = int(of.pop("ReservedConcurrentExecutions"))
        yield (
            "lambda:PutFunctionConcurrency",
            {"FunctionName": name, "ReservedConcurrentExecutions": reserved},
        )
    if "KmsKeyArn" in of:
        of["KMSKeyArn"] = of.pop("KmsKeyArn")
    of["Environment"] = {
        "Variables": {name: str(value) for name, value in of["Environment"]["Variables"].items()}
    }
    yield "lambda:CreateFunction", of | {"FunctionName": name, "Tags": tagged(of)}


def tagged(of: dict) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in of.pop("Tags")}


def texts(of: dict) -> dict[str, str]:
    """Attributes, all of which are texts."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in of.items()}
