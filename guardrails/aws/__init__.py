"""What the guard knows about AWS without asking it: endpoints, resource ids, and how to make sessions and clients."""
