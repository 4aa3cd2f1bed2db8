"""Results for people: text for a terminal, tables and figures for a page."""
