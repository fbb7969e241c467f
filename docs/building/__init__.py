"""What `python docs/generate.py` is made of: it runs what the pages show, and writes what can be read off the code."""
