"""Files that metering makes and keeps."""
