"""Processes: who a process is, which terminal it belongs to, and how ours are kept from being read.

What the kernel tells is in one small file a platform; the rest of the room does not know which.
"""
