"""Where the predictor meets the desk: history, scores, outcomes, training."""
