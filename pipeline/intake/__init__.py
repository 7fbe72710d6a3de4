"""From a file that somebody dropped to rows in canonical columns: inbox, archive, readers."""
