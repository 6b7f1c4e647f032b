"""The words of a plugin: schema, needs-authentication rules, importers, provisioning."""
