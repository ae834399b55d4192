"""Papers: what stands in the PDF, as poppler and zbar read it."""
