"""Printed documents as PDF: values and words become pages by typst, the same bytes on each machine."""
