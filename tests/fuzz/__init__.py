"""What is generated until something breaks: `python -m tests.fuzz`. Each area has a small sample in the suite."""
