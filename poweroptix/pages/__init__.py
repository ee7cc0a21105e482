"""What every screen shares: lists, number filters, downloads. Below all apps, knows none."""
