"""What is true about pooled testing, in pure functions: words, states, codes, names, phones, messages. Opens nothing."""
