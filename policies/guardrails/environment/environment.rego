# METADATA
# title: Tests stay away from AWS
# description: Test runs must not touch real machines, whatever credentials they find.
# schemas:
#   - input: schema.input
package guardrails.environment

import data.guardrails.lib
import data.guardrails.text

# An unknown value denies.
default level := "deny"

level := data.guardrails.params.test_runs if data.guardrails.params.test_runs in {"warn", "allow"}

# METADATA
# title: A test run destroys nothing in AWS
# description: >-
#   Denies a destructive call to the real AWS, rather than a simulator, from a process that runs tests.
# custom:
#   rule: environment/test-run
#   severity: critical
#   remediation: Point the tests at a simulated AWS.
#   incident: DigitalOcean, 2017; Travis CI
#   avoid: aws ec2 terminate-instances --instance-ids ANY_MACHINE
#   prefer: aws ec2 terminate-instances --endpoint-url http://127.0.0.1:5000 --instance-ids ANY_MACHINE
deny contains violation if {
	from_tests
	level == "deny"
}

# METADATA
# title: A test run that destroys something in AWS gets a warning
# description: The same where the parameter `test_runs` is "warn".
# custom:
#   rule: environment/test-run
#   severity: critical
#   remediation: Point the tests at a simulated AWS.
#   incident: DigitalOcean, 2017; Travis CI
warn contains violation if {
	from_tests
	level == "warn"
}

from_tests if {
	count(lib.harmful) > 0
	input.caller.test_run == true
	input.call.real == true
}

violation := lib.violation("environment/test-run", "(caller)", message, remediation) if {
	message := sprintf("%s would go from a test run (%s) to the real AWS (%s).", [
		text.operation,
		object.get(input.caller, "program", "unknown"),
		object.get(input.call, "endpoint", "unknown"),
	])
	remediation := "Point the tests at a simulated AWS, and keep real credentials out of their environment."
}
