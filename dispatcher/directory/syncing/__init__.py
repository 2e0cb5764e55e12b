"""Sources that are fetched over the network: one protocol, one runner, one held state each."""
