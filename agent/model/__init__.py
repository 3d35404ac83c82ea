"""The local model: one client for Ollama, its limits, its privacy and its faults."""
