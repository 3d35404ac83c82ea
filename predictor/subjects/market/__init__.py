"""Tomorrow's range of a traded instrument, from daily bars."""
