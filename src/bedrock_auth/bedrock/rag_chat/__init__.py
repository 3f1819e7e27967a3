"""What `RagChat` is made of: hits into a question, markers in an answer into citations."""
