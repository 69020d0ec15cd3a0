"""Console scripts. Each reads its arguments, says what is wrong in one line, and calls the rest."""
