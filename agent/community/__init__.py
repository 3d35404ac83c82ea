"""What readers say: feedback read from exports, its tone and kind, and what people wait for."""
