"""Every known way of sending a call, each run in a process of its own against a real HTTP server."""
