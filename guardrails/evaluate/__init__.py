"""Stage 4: ask a Rego engine for the verdict.

bundle.py     the policies and their data, read from folders, with a revision
engine.py     what an engine is, and what a result must look like
embedded.py   the embedded engine (regorus)
syntax.py     the rules, imports and references of a policy
expand.py     imports written out, which the embedded engine evaluates wrongly
lint.py       what the embedded engine does not check by itself when it loads a policy
builtins.py   the functions it has, and those a policy must not use
canary.py     the question that must be denied before an engine may guard anything
"""
