"""What an update really changes: calls are compared with what is there, and only the difference is judged.

Terraform, Ansible and many scripts repeat everything on every run. ``SERVICE.json`` has, for each operation that sets
something, the look-ups that show the present state, and for single parameters when a new value harms no one.
"""
