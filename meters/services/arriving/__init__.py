"""Files in: kept, read, merged into raw blocks, with a receipt."""
