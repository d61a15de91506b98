"""The guard: an ASGI middleware inside vLLM's process. What it does not name is closed.

A request passes `middleware` (one answer, one audit line), `access` (what is open, to whom), then `pages` (health,
metrics …), vLLM itself (the admin's /engine), or `api` with its `schema` and `draft_service`.
"""
