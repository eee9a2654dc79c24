"""One module per family of operators: what each of them gives, in exact arithmetic."""
