"""`plume doctor --site CONFIG`: measures on the user's own machine what plume promises of it, with the real weights."""
