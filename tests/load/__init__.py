"""A simulated day over many repositories: outages, refusals, lost credentials and a mass tag jump."""
