"""Which item an executable uses where: defaults, bindings and their precedence."""
