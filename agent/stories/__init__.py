"""Stories: what happened, told from facts, and every sentence checked against them."""
