"""How values are written: which text and which numbers are times, amounts, or missing."""
