"""What a launch needs and what there is: free addresses, quotas, the machines it starts."""
