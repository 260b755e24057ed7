data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  interval_seconds = var.schedule_minutes * 60
  tags             = merge({ application = "packwatch" }, var.tags)
}

resource "aws_lambda_function" "packwatch" {
  function_name    = var.name
  description      = "Compares the deployment status of organization conformance packs with the last one seen."
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = var.memory_size
  timeout          = var.timeout
  role             = aws_iam_role.function.arn
  tags             = local.tags

  logging_config {
    log_group             = aws_cloudwatch_log_group.function.name
    log_format            = "JSON"
    application_log_level = var.log_level
    system_log_level      = "WARN"
  }

  tracing_config {
    mode = var.tracing == "on" ? "Active" : "PassThrough"
  }

  environment {
    variables = {
      PACKWATCH_TABLE            = aws_dynamodb_table.state.name
      PACKWATCH_ALERTS_TOPIC_ARN = aws_sns_topic.alerts.arn
      PACKWATCH_EVENTS_TOPIC_ARN = aws_sns_topic.events.arn
      PACKWATCH_PACKS            = join(",", var.packs)
      PACKWATCH_REGIONS          = join(",", var.regions)
      PACKWATCH_EXCLUDE_ACCOUNTS = join(",", var.exclude_accounts)
      PACKWATCH_NOTIFY           = join(",", var.notify)
      PACKWATCH_STUCK_AFTER      = var.stuck_after
      PACKWATCH_REMIND_EVERY     = var.remind_every
      PACKWATCH_HISTORY_DAYS     = var.history_days
      PACKWATCH_CONCURRENCY      = var.concurrency
      PACKWATCH_GROUP_WAIT       = var.group_wait
      PACKWATCH_FLAP_LIMIT       = var.flap_limit
      PACKWATCH_ACCOUNT_NAMES    = var.account_names
      PACKWATCH_QUEUE_URL        = local.queue_url
      PACKWATCH_QUEUE_MAX_AGE    = "${local.interval_seconds}s"
      PACKWATCH_PACK_METRICS     = var.pack_metrics
    }
  }

  # A first run without its permissions would be the first alarm.
  depends_on = [aws_iam_role_policy.function]
}

# The next tick looks at everything again: one retry is enough, and an event as old as a tick is worth nothing.
resource "aws_lambda_function_event_invoke_config" "packwatch" {
  function_name                = aws_lambda_function.packwatch.function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = local.interval_seconds

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed_events.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

# Without it every failure of today would be announced as new after a reinstallation: `terraform destroy` refuses to
# delete it, and docs/runbook.md says how to keep it or to let it go.
resource "aws_dynamodb_table" "state" {
  name         = var.name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"
  tags         = local.tags

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # The key of the account, not the topics': the table outlives the module, and so must its key.
  server_side_encryption {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "failed_events" {
  name                      = "${var.name}-failed-events"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "failed_events" {
  queue_url = aws_sqs_queue.failed_events.url
  policy    = data.aws_iam_policy_document.failed_events.json
}
