"""LDAP directories: a thin link to the server, its entries as rows of a copy."""
