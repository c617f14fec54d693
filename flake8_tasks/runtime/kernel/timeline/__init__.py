"""A run drawn for people: as text, as SVG, as a page."""
