output "function_name" {
  description = "The function"
  value       = aws_lambda_function.packwatch.function_name
}

output "table_name" {
  description = "The table with the state and the history; it stays when the stack is deleted"
  value       = aws_dynamodb_table.state.name
}

output "alerts_topic_arn" {
  description = "Topic for people; subscribe e-mail, SMS or chat"
  value       = aws_sns_topic.alerts.arn
}

output "events_topic_arn" {
  description = "Topic for machines, with one JSON message per change; subscribe queues and functions"
  value       = aws_sns_topic.events.arn
}

output "topic_key_arn" {
  description = "Key that encrypts both topics; whoever publishes to them needs it"
  value       = local.key_arn
}

output "failed_events_queue_url" {
  description = "Queue with the events that could not be handled"
  value       = aws_sqs_queue.failed_events.url
}

output "targets_queue_url" {
  description = "Queue through which the packs go to the runs"
  value       = one(aws_sqs_queue.targets[*].url)
}

output "unfinished_targets_queue_url" {
  description = "Queue with the packs that no run could finish"
  value       = one(aws_sqs_queue.unfinished_targets[*].url)
}

output "log_group_name" {
  description = "The function's log group"
  value       = aws_cloudwatch_log_group.function.name
}

output "schedule_name" {
  description = "The schedule of the looks"
  value       = aws_scheduler_schedule.look.name
}
