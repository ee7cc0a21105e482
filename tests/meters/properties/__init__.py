"""Laws of metering that hold for any readings, in every zone where we bill."""
