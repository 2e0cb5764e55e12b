"""IHE XDM: the zip that carries CDA documents by mail."""
