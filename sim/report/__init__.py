"""What a person sees of a run: the table on the terminal, and one HTML file with figures and their data."""
