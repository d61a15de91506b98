"""`make demo`: the main job on embedded defaults, through the commands that a user types, and one page on it."""
