"""The command line: everything that a person is asked or shown, and the only place that prints or exits."""
