package guardrails.engine_test

import data.guardrails.engine

test_a_word_that_is_in_the_input_twice if engine.matches with input as words("same", "same")

test_a_constant if engine.matches with input as words("guardrails", "other")

test_another_word if not engine.matches with input as words("one", "other")

words(operation, service) := {"call": {"operation": operation, "service": service}}
