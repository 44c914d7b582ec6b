"""Stage 4: ask a Rego engine for the decision.

rego_input.py     the `input` document, built from the call and the facts about it
policy_params.py  the parameters of the policies, checked against their defaults
bundle.py         the policies and their data, read from folders, with a revision
bundle_file.py    the same as a file or folder that OPA loads
signature.py      signatures of bundles
engine.py         what an engine is, and the shape its result must have
embedded.py       the embedded engine, built on regorus.py
opa_server.py     the engine `opa`, a server
reloading.py      the embedded engine, compiled again when files change
self_test.py      the call that must be denied before an engine may guard anything
rego/             the syntax of policies, and what the embedded engine does not check by itself
"""
