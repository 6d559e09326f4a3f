"""What people and other programs touch. A surface translates; it decides nothing."""
