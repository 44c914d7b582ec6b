"""What a request on its way out says: its operation, its service, its URL, headers and bucket."""
