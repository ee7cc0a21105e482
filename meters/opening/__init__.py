"""Opening of uploaded archives (zip, gzip) inside hard limits."""
