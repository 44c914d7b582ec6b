"""Stage 4: ask a Rego engine for the decision.

rego_input.py     the `input` document, built from the call and the facts about it
policy_params.py  the parameters of the policies, checked against their defaults
bundle.py         the policies and their data, read from folders, with a revision
bundle_file.py    the same as a file or folder that OPA loads
tarball.py        what is in such a file
signature.py      signatures of bundles
united.py         several bundles as one, with a host's own folders
rule_book.py      the policies that a configuration names, from all of these
remote/           bundles that are fetched from S3 or over HTTPS
engine.py         what an engine is, and the shape its result must have
embedded.py       the embedded engine, built on regorus.py
checked.py        policies as it evaluates them; checked_before.py keeps what was checked
opa_server.py     the engine `opa`, a server
opa_servers.py    several of them: which one decides
opa_configured.py those of a configuration
opa_verified.py   what a server has to show before it may decide
opa_versions.py   versions of OPA that may not
private_file.py   files of the guard's own that no other user can have written
reloading.py      the embedded engine, compiled again when files change
self_test.py      the call that must be denied before an engine may guard anything
rego/             the syntax of policies, and what the embedded engine does not check by itself
"""
