resource "aws_scheduler_schedule" "look" {
  name                = var.name
  description         = "Lets packwatch look at AWS Config"
  schedule_expression = "rate(${var.schedule_minutes} ${var.schedule_minutes == 1 ? "minute" : "minutes"})"
  state               = var.schedule_state
  kms_key_arn         = local.customer_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.packwatch.arn
    role_arn = aws_iam_role.schedule.arn

    retry_policy {
      maximum_retry_attempts       = 2
      maximum_event_age_in_seconds = local.interval_seconds
    }
    dead_letter_config {
      arn = aws_sqs_queue.failed_events.arn
    }
  }

  # The Scheduler checks at once whether the role may start the function.
  depends_on = [aws_iam_role_policy.schedule]
}

# Needs a CloudTrail trail with management events in this region. Without one, or for packs of other regions,
# the schedule finds the same change at its next tick.
resource "aws_cloudwatch_event_rule" "pack_changed" {
  name        = "${var.name}-pack-changed"
  description = "A pack was deployed or deleted, so packwatch looks at it now"
  state       = var.schedule_state
  tags        = local.tags

  event_pattern = jsonencode({
    source      = ["aws.config"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource = ["config.amazonaws.com"]
      eventName   = ["PutOrganizationConformancePack", "DeleteOrganizationConformancePack"]
      # A call that was refused changed nothing.
      errorCode = [{ exists = false }]
    }
  })
}

resource "aws_cloudwatch_event_target" "pack_changed" {
  rule      = aws_cloudwatch_event_rule.pack_changed.name
  target_id = "packwatch"
  arn       = aws_lambda_function.packwatch.arn

  retry_policy {
    maximum_retry_attempts       = 2
    maximum_event_age_in_seconds = local.interval_seconds
  }
  dead_letter_config {
    arn = aws_sqs_queue.failed_events.arn
  }
}

resource "aws_lambda_permission" "pack_changed" {
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.packwatch.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.pack_changed.arn
  source_account = local.account
}

# CloudTrail records these in the organization's management account, in the region where AWS Organizations is: us-east-1,
# us-gov-west-1 or cn-northwest-1. Without them the schedule finds the account when the pack reaches it.
resource "aws_cloudwatch_event_rule" "account_changed" {
  name        = "${var.name}-account-changed"
  description = "An account joined or left the organization, so packwatch looks now"
  state       = var.account_events == "on" ? var.schedule_state : "DISABLED"
  tags        = local.tags

  event_pattern = jsonencode({
    source      = ["aws.organizations"]
    detail-type = ["AWS Service Event via CloudTrail", "AWS API Call via CloudTrail"]
    detail = {
      eventSource = ["organizations.amazonaws.com"]
      eventName   = ["AccountJoinedOrganization", "AccountDepartedOrganization"]
    }
  })
}

resource "aws_cloudwatch_event_target" "account_changed" {
  rule      = aws_cloudwatch_event_rule.account_changed.name
  target_id = "packwatch"
  arn       = aws_lambda_function.packwatch.arn

  retry_policy {
    maximum_retry_attempts       = 2
    maximum_event_age_in_seconds = local.interval_seconds
  }
  dead_letter_config {
    arn = aws_sqs_queue.failed_events.arn
  }
}

resource "aws_lambda_permission" "account_changed" {
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.packwatch.function_name
  principal      = "events.amazonaws.com"
  source_arn     = aws_cloudwatch_event_rule.account_changed.arn
  source_account = local.account
}
