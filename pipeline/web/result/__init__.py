"""The page that a person's link opens."""
