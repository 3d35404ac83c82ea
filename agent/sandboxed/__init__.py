"""The folder that a SandboxRunner hands to the sandbox as `tools`: it holds one package."""
