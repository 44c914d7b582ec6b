"""The embedded engine's wheel beside upstream's crate `regorus`: where it comes from, and whether both answer alike."""
