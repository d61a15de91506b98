"""From the registry's champion to drafts: vLLM with the adapter, started, watched and stopped."""
