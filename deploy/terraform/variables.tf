variable "stack_name" {
  description = "The name of the CloudFormation stack"
  type        = string
  default     = "soketi-app-sync-prod"
}

variable "tags" {
  description = "Tags of the stack, and of everything in it"
  type        = map(string)
  default     = {}
}
