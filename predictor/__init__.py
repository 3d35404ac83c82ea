"""Scores. Plain values in, plain values out: knows neither git nor SQLite nor Ollama."""
