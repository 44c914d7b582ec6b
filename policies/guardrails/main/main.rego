# METADATA
# title: The verdict
# description: >-
#   Collects what the areas say into the one decision the guard asks for. It is defined for every input; whatever cannot
#   be understood denies.
# schemas:
#   - input: schema.input
package guardrails.main

import data.guardrails.areas
import data.guardrails.verdict

# METADATA
# title: The verdict on a call
# description: The strongest action of all violations, and the violations in order of rule and target.
# entrypoint: true
decision := {"action": verdict.strongest(found), "violations": verdict.ordered(found)} if {
	found := verdict.violations(areas.answers)
}
