"""How well CVs are read: invented people with a truth written by hand, laid out by other programs than the reader."""
