"""A program of its own: a workbook's bytes in, its cells as text out. It runs under limits; what happens to it happens to it alone.

Nothing here may import more than the standard library and python-calamine: it starts once for every workbook.
"""
