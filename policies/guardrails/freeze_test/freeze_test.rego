package guardrails.freeze_test

import data.guardrails.fixtures_test as fixtures
import data.guardrails.freeze

frozen(effects) := {
	"id": "f1",
	"effects": effects,
	"reason": "INC-42.",
	"by": "ann (guardrails)",
	"host": "bastion",
	"since": "2023-10-09T15:00:00.000Z",
	"until": "2023-10-09T16:00:00.000Z",
	"until_s": 1696867200,
}

asked(effects, freezes) := object.union(fixtures.request("SomeCall", effects, {}), {"freezes": freezes})

test_every_frozen_effect_is_denied if {
	every effect in ["stop", "capacity", "protection"] {
		count(freeze.deny) == 1 with input as asked([effect], [frozen(["stop", "capacity", "protection"])])
	}
}

test_the_message_says_who_and_how_to_lift_it if {
	denied := freeze.deny with input as asked(["stop", "ip"], [frozen(["stop"])])
	some entry in denied
	[entry.rule, entry.target] == ["freeze/in-force", "(freeze f1)"]
	message := "SomeCall does what is frozen (stop). It is frozen until 2023-10-09T16:00:00.000Z, by ann (guardrails) on bastion: INC-42."
	entry.message == message
	contains(entry.remediation, "`guardrails freeze --lift`")
	contains(entry.remediation, "break the glass for freeze/in-force")
}

test_the_message_says_what_is_not_known if {
	denied := freeze.deny with input as asked(["opaque"], [frozen(["stop"])])
	some entry in denied
	startswith(entry.message, "SomeCall may do what is frozen (opaque).")
}

test_each_freeze_is_named if {
	other := object.union(frozen(["stop"]), {"id": "f2"})
	count(freeze.deny) == 2 with input as asked(["stop"], [frozen(["stop"]), other])
}

test_what_a_call_does_unseen_is_held if {
	every effect in ["opaque", "indirect", "unreviewed"] {
		count(freeze.deny) == 1 with input as asked([effect], [frozen(["stop"])])
	}
}

test_what_terminates_by_another_hand_is_held if {
	every effect in ["scale-in", "replace"] {
		count(freeze.deny) == 1 with input as asked([effect], [frozen(["terminate"])])
	}
}

test_other_effects_pass if {
	every effect in ["scale-in", "replace", "terminate", "capacity"] {
		count(freeze.deny) == 0 with input as asked([effect], [frozen(["stop"])])
	}
}

test_a_freeze_of_terminating_holds_nothing_else if {
	every effect in ["capacity", "stop", "ip"] {
		count(freeze.deny) == 0 with input as asked([effect], [frozen(["terminate"])])
	}
}

without_answer(effects) := object.union(asked(effects, []), {"freezes_unknown": "the file is damaged."})

test_what_is_not_known_to_be_free_is_held if {
	every effect in ["opaque", "indirect", "protection", "terminate", "unreviewed"] {
		count(freeze.deny) == 1 with input as without_answer([effect])
	}
}

test_the_message_says_that_freezes_are_unknown if {
	denied := freeze.deny with input as without_answer(["opaque", "capacity"])
	some entry in denied
	entry.target == "(freeze unknown)"
	why := "whether this is frozen is unknown: the file is damaged."
	entry.message == sprintf("SomeCall may do what is frozen (opaque): %s", [why])
	startswith(entry.remediation, "Repair the memory")
	endswith(entry.remediation, "or break the glass for freeze/in-force.")
}

test_launches_pass_where_freezes_are_unknown if {
	count(freeze.deny) == 0 with input as without_answer(["capacity"])
}

test_a_call_without_effects_passes_where_freezes_are_unknown if {
	count(freeze.deny) == 0 with input as without_answer([])
}

test_where_nothing_is_frozen_all_passes if {
	known := object.union(without_answer(["opaque"]), {"freezes_unknown": ""})
	count(freeze.deny) == 0 with input as known
}

test_without_a_freeze_all_passes if {
	every effect in ["opaque", "terminate", "unreviewed"] {
		count(freeze.deny) == 0 with input as asked([effect], [])
	}
}
