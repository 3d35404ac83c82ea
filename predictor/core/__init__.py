"""What every subject shares: priors, splits in time, figures, cards."""
