"""Databases and lakes as records, by their own drivers."""
