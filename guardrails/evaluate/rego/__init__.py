"""Reading Rego: its syntax, what the embedded engine does not check by itself, and its built-in functions."""
