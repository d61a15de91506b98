"""The desk: pages on which agents work with drafts. A process of its own that asks the guard over HTTP, with a key."""
