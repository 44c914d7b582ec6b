"""What a release is made of: locked dependencies, their licences, a bill of materials, hooks for other repositories."""
