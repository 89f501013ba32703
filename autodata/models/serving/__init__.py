"""Model servers that we start, watch and end."""
