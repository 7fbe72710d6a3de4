"""What every page of ours stands on: languages, templates, headers, error pages."""
