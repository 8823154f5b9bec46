"""The friendly way to one book and to one world."""
