"""Recipients’ certificates, paths to pinned authorities, revocation lists."""
