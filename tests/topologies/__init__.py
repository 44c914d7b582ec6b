"""Twelve shops as people have them: each protects what users reach, and lets them move. table.py puts it on a page."""
