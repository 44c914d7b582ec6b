"""What the guard knows of AWS without asking it: endpoints, resource ids, sessions and clients of botocore."""
