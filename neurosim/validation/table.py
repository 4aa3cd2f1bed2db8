"""Reading a witness's CSV; the reader itself is on the bottom floor, because energy reads layer tables with it too."""

from neurosim.csv_rows import Row, read_header, read_rows

__all__ = ["Row", "read_header", "read_rows"]
