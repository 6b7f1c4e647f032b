"""Every parser of what others may have written, against bytes that nobody wrote on purpose."""
