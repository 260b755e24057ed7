# Who may do what. The statements carry the Sids of template.yaml, by which scripts/test_terraform.py compares them.

data "aws_iam_policy_document" "function_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name_prefix          = "${substr(var.name, 0, 28)}-function-"
  description          = "What the packwatch function may do"
  assume_role_policy   = data.aws_iam_policy_document.function_trust.json
  permissions_boundary = local.permissions_boundary
  tags                 = local.tags
}

resource "aws_iam_role_policy" "function" {
  name   = "packwatch"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

locals {
  watched_regions = length(var.regions) > 0 ? var.regions : [local.region]
}

data "aws_iam_policy_document" "function" {
  # Listing has no resource to name, so the regions are what narrows it.
  statement {
    sid       = "ListPacks"
    actions   = ["config:DescribeOrganizationConformancePacks"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = local.watched_regions
    }
  }
  statement {
    sid       = "ReadStatuses"
    actions   = ["config:GetOrganizationConformancePackDetailedStatus"]
    resources = ["arn:${local.partition}:config:*:${local.account}:organization-conformance-pack/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = local.watched_regions
    }
  }
  # The last four are used inside TransactWriteItems, which has no action of its own.
  statement {
    sid = "KeepState"
    actions = [
      "dynamodb:Query",
      "dynamodb:UpdateItem",
      "dynamodb:PutItem",
      "dynamodb:DeleteItem",
      "dynamodb:ConditionCheckItem",
    ]
    resources = [aws_dynamodb_table.state.arn]
  }
  # Asked only for the accounts that a message shows. The organization may be another account's.
  statement {
    sid       = "NameAccounts"
    actions   = ["organizations:DescribeAccount"]
    resources = ["arn:${local.partition}:organizations::*:account/o-*/*"]
  }
  statement {
    sid       = "Tell"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn, aws_sns_topic.events.arn]
  }
  # Who has just subscribed would not get what is published before the confirmation.
  statement {
    sid       = "AskWhoListens"
    actions   = ["sns:GetTopicAttributes"]
    resources = [aws_sns_topic.alerts.arn]
  }
  statement {
    sid       = "TellEncrypted"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [local.key_arn]
  }
  statement {
    sid       = "KeepFailedEvents"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed_events.arn]
  }
  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }
  # Traces have no resource to name.
  statement {
    sid       = "Trace"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"]
  }
}

# The table is encrypted with it, too: DynamoDB uses the key in the name of whoever calls.
resource "aws_iam_role_policy" "table_key" {
  count  = var.key_arn == "" ? 0 : 1
  name   = "customer-key"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.table_key.json
}

data "aws_iam_policy_document" "table_key" {
  statement {
    sid       = "UseKeyOfTable"
    actions   = ["kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = [var.key_arn]
  }
}

# What Lambda needs to attach the function to subnets. Network interfaces have no names that are known before.
resource "aws_iam_role_policy" "network" {
  count  = length(var.subnet_ids) == 0 ? 0 : 1
  name   = "network"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.network.json
}

data "aws_iam_policy_document" "network" {
  #checkov:skip=CKV_AWS_111:Lambda creates the network interfaces, whose names are not known before.
  #checkov:skip=CKV_AWS_356:The same; and describing them has no resource to name.
  statement {
    sid = "AttachToSubnets"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "schedule_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/default"]
    }
  }
}

resource "aws_iam_role" "schedule" {
  name_prefix          = "${substr(var.name, 0, 28)}-schedule-"
  description          = "Lets the schedule of packwatch start its function"
  assume_role_policy   = data.aws_iam_policy_document.schedule_trust.json
  permissions_boundary = local.permissions_boundary
  tags                 = local.tags
}

resource "aws_iam_role_policy" "schedule" {
  name   = "start-packwatch"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}

data "aws_iam_policy_document" "schedule" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.packwatch.arn]
  }
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.failed_events.arn]
  }
}

# To read the schedule and to send to the queue of failed events, which are encrypted with the customer managed key.
resource "aws_iam_role_policy" "schedule_key" {
  count  = var.key_arn == "" ? 0 : 1
  name   = "customer-key"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule_key.json
}

data "aws_iam_policy_document" "schedule_key" {
  statement {
    sid       = "UseKeyOfSchedule"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.key_arn]
  }
}

data "aws_iam_policy_document" "failed_events" {
  statement {
    sid     = "RulesKeepUndelivered"
    actions = ["sqs:SendMessage"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    resources = [aws_sqs_queue.failed_events.arn]
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.pack_changed.arn, aws_cloudwatch_event_rule.account_changed.arn]
    }
  }
  statement {
    sid     = "EncryptedTransportOnly"
    effect  = "Deny"
    actions = ["sqs:*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    resources = [aws_sqs_queue.failed_events.arn]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "topic_key" {
  #checkov:skip=CKV_AWS_109:In the policy of a key, * is that key, and the account decides by its IAM policies.
  #checkov:skip=CKV_AWS_111:The same.
  #checkov:skip=CKV_AWS_356:The same.
  statement {
    sid     = "AccountDecidesByIamPolicies"
    actions = ["kms:*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
    resources = ["*"]
  }
  # Without a condition, as the documentation has it: whose alarms these are is the topic's policy's to say.
  statement {
    sid     = "AlarmsPublish"
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "alerts_topic" {
  statement {
    sid     = "AlarmsOfThisAccountPublish"
    actions = ["sns:Publish"]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    resources = [aws_sns_topic.alerts.arn]
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
  statement {
    sid     = "EncryptedTransportOnly"
    effect  = "Deny"
    actions = ["sns:Publish"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    resources = [aws_sns_topic.alerts.arn]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "events_topic" {
  dynamic "statement" {
    for_each = var.organization_id == "" ? [] : [1]
    content {
      sid     = "OrganizationSubscribes"
      actions = ["sns:Subscribe"]
      principals {
        type        = "*"
        identifiers = ["*"]
      }
      resources = [aws_sns_topic.events.arn]
      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [var.organization_id]
      }
    }
  }
  statement {
    sid     = "EncryptedTransportOnly"
    effect  = "Deny"
    actions = ["sns:Publish"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    resources = [aws_sns_topic.events.arn]
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

data "aws_iam_policy_document" "slack_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["chatbot.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}
