# METADATA
# title: The decision
# description: >-
#   Turns the answers of all areas into the one decision the guard asks for. It is defined for every input; an input or
#   answer that cannot be understood is a denial.
# schemas:
#   - input: schema.input
package guardrails.main

import data.guardrails.areas
import data.guardrails.verdict

# METADATA
# title: The decision on a call
# description: >-
#   The strongest action of all violations, the violations sorted by rule and target, and who may approve the call.
# entrypoint: true
decision := object.union(
	{"action": verdict.strongest(violations), "violations": verdict.ordered(violations)},
	verdict.approval_terms(violations),
) if {
	violations := verdict.violations(areas.answers)
}
