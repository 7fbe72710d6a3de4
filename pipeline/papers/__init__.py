"""What is printed or handed over as a document: labels, workbooks."""
