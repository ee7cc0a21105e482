"""Raw readings into final ones: rules, estimates, findings, decisions."""
