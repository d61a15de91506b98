"""What was published about the pilot, and what the export says of it."""
