"""A file for each AWS service or kind of resource: from an id in a call to the clusters that live on it."""
