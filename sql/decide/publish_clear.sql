DELETE FROM publish
