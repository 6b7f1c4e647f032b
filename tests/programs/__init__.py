"""Whole-program tests: the installed `keyturn`, its agent, real shells on terminals, the real `aws`."""
