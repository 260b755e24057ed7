# The parameters of template.yaml, with its defaults and its limits: scripts/test_terraform.py holds them together.
# Only the first three are not parameters there.

variable "package" {
  type        = string
  default     = null
  description = "Path of the zip that holds the function's binary, named bootstrap. A release needs no value: it has its own."

  validation {
    condition     = var.package == null || endswith(coalesce(var.package, ".zip"), ".zip")
    error_message = "package must be the path of a zip file."
  }
}

variable "name" {
  type        = string
  default     = "packwatch"
  description = "Name of the function; what belongs to it is named after it."

  validation {
    condition     = can(regex("^[a-zA-Z0-9-]{1,48}$", var.name))
    error_message = "name must consist of 1 to 48 letters, digits and hyphens."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of everything that takes tags, besides application = packwatch."
}

# --- What to watch ----------------------------------------------------------------------------------------------------

variable "packs" {
  type        = list(string)
  default     = ["*"]
  description = "Names of the packs to watch; * stands for any characters, a leading ! excludes."

  validation {
    condition     = alltrue([for pack in var.packs : can(regex("^!?[-a-zA-Z0-9*]*$", pack))])
    error_message = "packs may hold letters, digits, hyphens and *, with a ! in front."
  }
}

variable "regions" {
  type        = list(string)
  default     = []
  description = "Regions to watch; empty means the region of the provider."

  validation {
    condition     = alltrue([for region in var.regions : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])
    error_message = "regions must be names of regions, such as eu-west-1."
  }
}

variable "exclude_accounts" {
  type        = list(string)
  default     = []
  description = "Ids of accounts that are never reported; at most 200."

  validation {
    condition     = alltrue([for account in var.exclude_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = "exclude_accounts must be account ids of 12 digits."
  }
  validation {
    condition     = length(var.exclude_accounts) <= 200
    error_message = "exclude_accounts must be at most 200 ids: Lambda gives all settings 4 KB together."
  }
}

# --- How often to look ------------------------------------------------------------------------------------------------

variable "schedule_minutes" {
  type        = number
  default     = 5
  description = "Minutes between two looks at AWS Config."

  validation {
    condition     = contains([1, 2, 5, 10, 15, 30, 60], var.schedule_minutes)
    error_message = "schedule_minutes must be 1, 2, 5, 10, 15, 30 or 60."
  }
}

variable "schedule_state" {
  type        = string
  default     = "ENABLED"
  description = "DISABLED stops the schedule and silences the alarm that waits for it."

  validation {
    condition     = contains(["ENABLED", "DISABLED"], var.schedule_state)
    error_message = "schedule_state must be ENABLED or DISABLED."
  }
}

variable "whole_every" {
  type        = string
  default     = "1h"
  description = "How often large packs are read in full; between that, only accounts that are not well."

  validation {
    condition     = contains(["15m", "30m", "1h", "2h", "3h", "6h", "12h", "24h", "always"], var.whole_every)
    error_message = "whole_every must be 15m, 30m, 1h, 2h, 3h, 6h, 12h, 24h or always."
  }
}

variable "account_events" {
  type        = string
  default     = "off"
  description = "Whether packwatch looks when an account joins or leaves. Only in the management account, where CloudTrail records it."

  validation {
    condition     = contains(["on", "off"], var.account_events)
    error_message = "account_events must be on or off."
  }
}

variable "fan_out" {
  type        = string
  default     = "off"
  description = "on sends each pack through a queue, which several runs share: for organizations that are too large for one run."

  validation {
    condition     = contains(["on", "off"], var.fan_out)
    error_message = "fan_out must be on or off."
  }
}

variable "fan_out_concurrency" {
  type        = number
  default     = 8
  description = "With fan_out, how many runs take packs from the queue at once."

  validation {
    condition     = var.fan_out_concurrency >= 2 && var.fan_out_concurrency <= 1000
    error_message = "fan_out_concurrency must be from 2 to 1000."
  }
}

# --- What to announce -------------------------------------------------------------------------------------------------

variable "notify" {
  type        = list(string)
  default     = ["all"]
  description = "[\"all\"], or some of failed, failed-again, recovered, succeeded, in-progress, joined, left, stuck, reminder, baseline, pack-deleted. The events topic always gets everything."

  validation {
    condition = alltrue([for kind in var.notify : can(regex(
      "^(all|failed|failed-again|recovered|succeeded|in-progress|joined|left|stuck|reminder|baseline|pack-deleted)?$", kind
    ))])
    error_message = "notify must be [\"all\"] or kinds of change: see the variable's description."
  }
}

variable "stuck_after" {
  type        = string
  default     = "2h"
  description = "A deployment that is in progress for longer than this is reported as stuck, for example 2h."

  validation {
    condition     = can(regex("^([0-9]+(s|m|h|d))+$", var.stuck_after))
    error_message = "stuck_after must be a duration, such as 2h."
  }
}

variable "remind_every" {
  type        = string
  default     = "24h"
  description = "How often a failure that persists is reported again, for example 24h; or never."

  validation {
    condition     = can(regex("^never$|^([0-9]+(s|m|h|d))+$", var.remind_every))
    error_message = "remind_every must be a duration, such as 24h, or never."
  }
}

variable "group_wait" {
  type        = string
  default     = "30s"
  description = "How long changes are gathered into one message, for example 30s. It must be well below timeout."

  validation {
    condition     = can(regex("^([0-9]+(s|m|h|d))+$", var.group_wait))
    error_message = "group_wait must be a duration, such as 30s."
  }
}

variable "flap_limit" {
  type        = string
  default     = "6"
  description = "An account that changes more often than this within an hour is reported once, and again when it has settled; 2 to 60, or never."

  validation {
    condition     = can(regex("^never$|^([2-9]|[1-5][0-9]|60)$", var.flap_limit))
    error_message = "flap_limit must be 2 to 60, or never."
  }
}

variable "account_names" {
  type        = string
  default     = "on"
  description = "Whether messages show the names that accounts have in AWS Organizations."

  validation {
    condition     = contains(["on", "off"], var.account_names)
    error_message = "account_names must be on or off."
  }
}

variable "history_days" {
  type        = number
  default     = 90
  description = "How many days the history of changes is kept in the table."

  validation {
    condition     = var.history_days >= 1 && var.history_days <= 3650
    error_message = "history_days must be 1 to 3650."
  }
}

# --- Whom to notify ---------------------------------------------------------------------------------------------------

variable "alert_email" {
  type        = string
  default     = ""
  description = "Address that gets the digests; confirm the subscription within two days. Empty subscribes nobody."

  validation {
    condition     = can(regex("^$|^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "alert_email must be empty or an e-mail address."
  }
}

variable "alarm_topic_arn" {
  type        = string
  default     = ""
  description = "SNS topic for alarms about packwatch itself. Empty sends them to the alerts topic."

  validation {
    condition     = can(regex("^$|^arn:[-a-z]+:sns:[-a-z0-9]+:[0-9]{12}:[-_a-zA-Z0-9]+$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn must be empty or the ARN of an SNS topic."
  }
}

variable "organization_id" {
  type        = string
  default     = ""
  description = "Id of the organization (o-...) whose accounts may subscribe to the events topic. Empty lets in this account only."

  validation {
    condition     = can(regex("^$|^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must be empty or the id of an organization, such as o-a1b2c3d4e5."
  }
}

variable "slack_workspace_id" {
  type        = string
  default     = ""
  description = "Slack workspace id (T...), authorized once in the console of Amazon Q Developer in chat applications. Empty sets up no channel."

  validation {
    condition     = can(regex("^[0-9A-Z]{0,255}$", var.slack_workspace_id))
    error_message = "slack_workspace_id must be the id of a workspace, such as T0123456789."
  }
  validation {
    condition     = (var.slack_workspace_id == "") == (var.slack_channel_id == "")
    error_message = "Slack needs both slack_workspace_id and slack_channel_id."
  }
}

variable "slack_channel_id" {
  type        = string
  default     = ""
  description = "Slack channel id (C...) that gets the digests. Invite @Amazon Q into a private channel."

  validation {
    condition     = can(regex("^[A-Za-z0-9]{0,255}$", var.slack_channel_id))
    error_message = "slack_channel_id must be the id of a channel, such as C0123456789."
  }
}

# --- The function -----------------------------------------------------------------------------------------------------

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "Processor of the function; the binary must have been built for it."

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "memory_size" {
  type        = number
  default     = 512
  description = "Memory in MB. More memory also means more processor time; 256 is enough for some hundred accounts."

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size must be 128 to 10240."
  }
}

variable "timeout" {
  type        = number
  default     = 300
  description = "Seconds that one run may take. Packs that did not fit are looked at by the next run."

  validation {
    condition     = var.timeout >= 60 && var.timeout <= 900
    error_message = "timeout must be 60 to 900."
  }
}

variable "concurrency" {
  type        = number
  default     = 8
  description = "How many packs are read from AWS Config side by side."

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 64
    error_message = "concurrency must be 1 to 64."
  }
}

variable "reserved_concurrency" {
  type        = string
  default     = ""
  description = "Runs that Lambda reserves for packwatch, at least 2 and more than fan_out_concurrency. Empty reserves none."

  validation {
    condition     = can(regex("^$|^[1-9][0-9]{0,3}$", var.reserved_concurrency))
    error_message = "reserved_concurrency must be empty or a whole number from 1 to 9999."
  }
}

variable "log_level" {
  type        = string
  default     = "INFO"
  description = "The least severe log line that is kept. The runbook's searches need WARN or finer."

  validation {
    condition     = contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "log_level must be TRACE, DEBUG, INFO, WARN or ERROR."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "How many days CloudWatch keeps the function's logs."

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days
    )
    error_message = "log_retention_days must be one of the periods that CloudWatch Logs offers."
  }
}

# --- Your account's rules -----------------------------------------------------------------------------------------------

variable "key_arn" {
  type        = string
  default     = ""
  description = "Key of yours for everything that is stored or sent. Empty creates one for the topics. See docs/strict-accounts.md."

  validation {
    condition     = can(regex("^$|^arn:[-a-z]+:kms:[-a-z0-9]+:[0-9]{12}:key/[-a-zA-Z0-9]+$", var.key_arn))
    error_message = "key_arn must be empty or the ARN of a key."
  }
}

variable "permissions_boundary_arn" {
  type        = string
  default     = ""
  description = "Managed policy that becomes the permissions boundary of every role. Empty sets none."

  validation {
    condition     = can(regex("^$|^arn:[-a-z]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be empty or the ARN of a managed policy."
  }
}

variable "subnet_ids" {
  type        = list(string)
  default     = []
  description = "Subnets for the function; they must reach AWS's APIs. Empty means no VPC."

  validation {
    condition     = alltrue([for subnet in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", subnet))])
    error_message = "subnet_ids must be ids of subnets."
  }
  validation {
    condition     = (length(var.subnet_ids) == 0) == (length(var.security_group_ids) == 0)
    error_message = "A VPC needs both subnet_ids and security_group_ids."
  }
}

variable "security_group_ids" {
  type        = list(string)
  default     = []
  description = "Security groups for the function; they must allow HTTPS out."

  validation {
    condition     = alltrue([for group in var.security_group_ids : can(regex("^sg-[0-9a-f]+$", group))])
    error_message = "security_group_ids must be ids of security groups."
  }
}

# --- Monitoring packwatch itself --------------------------------------------------------------------------------------

variable "pack_metrics" {
  type        = string
  default     = "off"
  description = "Whether each pack in each region has a metric of its own: its failing accounts. CloudWatch charges 0.30 USD a month for each."

  validation {
    condition     = contains(["on", "off"], var.pack_metrics)
    error_message = "pack_metrics must be on or off."
  }
}

variable "show_dashboard" {
  type        = string
  default     = "off"
  description = "Whether there is a CloudWatch dashboard; an account's first three are free, others 3 USD a month."

  validation {
    condition     = contains(["on", "off"], var.show_dashboard)
    error_message = "show_dashboard must be on or off."
  }
}

variable "tracing" {
  type        = string
  default     = "on"
  description = "Whether X-Ray traces runs. The logs hold the trace ids in any case."

  validation {
    condition     = contains(["on", "off"], var.tracing)
    error_message = "tracing must be on or off."
  }
}
