data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  # Where a release lies unpacked, the function is at its root.
  package = coalesce(var.package, "${path.module}/../../function.zip")

  interval_seconds = var.schedule_minutes * 60
  # Lambda's metrics of a run have the time at which it began, and come when it has ended: how many intervals an alarm
  # looks back to see those of a run of 15 minutes, the longest there is.
  late_periods = ceil(900 / local.interval_seconds) + 1

  # What encrypts both topics.
  key_arn = var.key_arn == "" ? aws_kms_key.topics[0].arn : var.key_arn
  # The same key for what has one of AWS's by default; null leaves it that.
  customer_key_arn     = var.key_arn == "" ? null : var.key_arn
  permissions_boundary = var.permissions_boundary_arn == "" ? null : var.permissions_boundary_arn
  alarm_topic_arn      = var.alarm_topic_arn == "" ? aws_sns_topic.alerts.arn : var.alarm_topic_arn

  tags = merge({ application = "packwatch" }, var.tags)
}

resource "aws_lambda_function" "packwatch" {
  #checkov:skip=CKV_AWS_116:The event invoke config has a queue for what failed; the older dead_letter_config would be a second one.
  #checkov:skip=CKV_AWS_272:A signing profile belongs to an account; a release's provenance says where its zip was built.
  function_name    = var.name
  description      = "Compares the deployment status of organization conformance packs with the last one seen."
  filename         = local.package
  source_code_hash = filebase64sha256(local.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = var.memory_size
  timeout          = var.timeout
  role             = aws_iam_role.function.arn
  kms_key_arn      = local.customer_key_arn
  tags             = local.tags

  reserved_concurrent_executions = var.reserved_concurrency == "" ? -1 : tonumber(var.reserved_concurrency)

  dynamic "vpc_config" {
    for_each = length(var.subnet_ids) == 0 ? [] : [1]
    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.function.name
    log_format            = "JSON"
    application_log_level = var.log_level
    # Leaves out platform.report for runs that succeed: "run measured" says the same.
    system_log_level = "WARN"
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
      PACKWATCH_WHOLE_EVERY      = var.whole_every
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

  # A first run without its permissions would be the first alarm, and Lambda attaches to subnets at once.
  depends_on = [aws_iam_role_policy.function, aws_iam_role_policy.network, aws_iam_role_policy.table_key]
}

# The next tick looks at everything again, so one retry is enough, and an event as old as a tick is worth nothing.
# Lambda waits a minute before it retries: with schedule_minutes = 1 the next tick takes the place of the retry.
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
  #checkov:skip=CKV_AWS_338:The retention is a variable. The history of changes is in the table; the log is for finding faults.
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.customer_key_arn
  tags              = local.tags
}

# The history is in it, so `terraform destroy` refuses to delete it. README.md says how to keep it or to let it go.
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

  # Not the topics' key: the table outlives the module, and so must its key. It is the account's own, or yours.
  server_side_encryption {
    enabled     = true
    kms_key_arn = local.customer_key_arn
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_sqs_queue" "failed_events" {
  name                      = "${var.name}-failed-events"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = var.key_arn == "" ? true : null
  kms_master_key_id         = local.customer_key_arn
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "failed_events" {
  queue_url = aws_sqs_queue.failed_events.url
  policy    = data.aws_iam_policy_document.failed_events.json
}
