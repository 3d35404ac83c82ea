"""The sandbox: run a command on a fresh copy of a commit, with nothing it could harm.

`tier.detect` finds out, by a real probe, which guard this machine offers; a `runner.SandboxRunner`
runs commands under it. Whatever a guarded command says about itself is a claim, never a proof.
"""
