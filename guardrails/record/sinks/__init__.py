"""Where decisions are uploaded: an OPA decision-log service, S3 or CloudWatch Logs."""
