# Asked at install, before an OPA server may decide: OPA 1.21.0 to 1.22.0 never find a value of the input in a set that
# has another value of the input, so a denial that needs it would be missing.
package guardrails.engine

default matches := false

matches if input.call.operation in {"guardrails", input.call.service}
