"""Stage 3: what AWS says about what a call acts on, which clusters that carries, and which cluster is live."""
