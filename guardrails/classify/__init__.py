"""Stage 2: what an operation can do, and what a call acts on. Operations are listed in ``operations/``."""
