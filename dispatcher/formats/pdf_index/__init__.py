"""The index that says whose a PDF is: a file beside it, one file for many, or the file name itself."""
