# A launch must not run into a quota halfway.

package guardrails.capacity

import data.guardrails.lib
import data.guardrails.text

# METADATA
# title: The quotas have room for all machines
# description: Denies a launch that exceeds a quota of the account.
# custom:
#   rule: capacity/quota
#   severity: high
#   remediation: Request a higher quota from AWS first.
#   incident: PythonAnywhere, 2023-10-09
#   avoid: aws ec2 run-instances --count 40 --instance-type c5.4xlarge
#   prefer: >-
#     aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 800
deny contains lib.violation("capacity/quota", quota.code, message, remediation) if {
	some quota in input.capacity.quotas
	quota.used + quota.needed > quota.limit
	message := sprintf("%s needs %v more %s; %v of %v are in use.", [
		text.operation,
		quota.needed,
		quota.name,
		quota.used,
		quota.limit,
	])
	remediation := sprintf("Request a higher quota %s (Service Quotas), or start fewer or smaller machines.", [quota.code])
}
