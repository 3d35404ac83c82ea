"""The folder that a Bench hands to the sandbox as `tools`; it holds one package, copydesk_tools."""
