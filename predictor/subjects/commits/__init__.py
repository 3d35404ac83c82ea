"""Which changed functions deserve a test first."""
