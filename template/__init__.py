"""What makes copies of the template, and shows it: in no copy after its first day."""
