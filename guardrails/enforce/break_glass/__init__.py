"""Break glass: named rules set aside, for a reason and for some minutes."""
