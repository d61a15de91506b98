"""What may have changed the waits and the votes: each comparison in a file of its own."""
