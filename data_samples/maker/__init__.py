"""What `data_samples/generate.py` is made of: invented people, their tubes, files as teams and labs write them, and the books."""
