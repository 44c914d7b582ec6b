"""The configuration: its keys, the files it is read from, and the checked settings."""
