"""Work pages of metering: files, findings, channels."""
